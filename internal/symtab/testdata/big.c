/* For a big-endian machine that no libc is installed for. */
static __attribute__((noinline)) int static_function(int x) { return x * 3 + 1; }
int shared_function(int x) { return static_function(x) - 2; }
int object = 1;
