// Functions, calls inlined several deep, a function that is never called (for
// the linker to discard), and one with a part that is seldom run.
#include "calls.h"

volatile int sink;

__attribute__((noinline)) int discarded(int x) {
	int sum = 0;
	for (int i = 0; i < x; i++)
		sum += four(i) * twice(sum);
	return sum;
}

__attribute__((noinline, cold)) static void seldom(int x) {
	sink -= four(x);
}

__attribute__((noinline)) int often(int x) {
	if (__builtin_expect(x == 4711, 0)) {
		seldom(x);
		seldom(x + 1);
	}
	return four(x) + four(x + 1);
}

static int local(int *p) { return *p + four(*p); }

int (*table[])(int *) = {local};

int other(int x);

int main(int argc, char **argv) {
	int x = often(argc);
	return other(x) + table[x & 0](&x) + twice(argc);
}
