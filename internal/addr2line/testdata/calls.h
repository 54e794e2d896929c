// Calls that are inlined from a header, several deep.
#pragma once

extern volatile int sink;

static inline __attribute__((always_inline)) int twice(int x) {
	sink += x;
	return x * 2 + sink;
}

static inline __attribute__((always_inline)) int four(int x) {
	int y = twice(x);
	for (int i = 0; i < x; i++)
		y += twice(i);
	return y;
}
