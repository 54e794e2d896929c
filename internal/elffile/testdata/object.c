/* An object with something in every kind of segment, over several pages. */
#define EXPORT __attribute__((visibility("default"), used))

EXPORT const char object_rodata[9001] = "read only data";
EXPORT char object_data[5003] = "writable data";
EXPORT char object_bss[20011];
__attribute__((noinline)) EXPORT int object_first(int n) { return n + object_data[0]; }
EXPORT int object_second(int n) { return object_first(n) * 3; }

/* Relocated once, read-only afterwards where there is RELRO. */
EXPORT const void *const object_relro[1111] = {
	object_rodata, object_data, object_bss, (const void *)object_first, (const void *)object_second,
};
