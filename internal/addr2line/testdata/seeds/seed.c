static inline __attribute__((always_inline)) int twice(int x) {
	return x * 2 + (x >> 1);
}
static inline __attribute__((always_inline)) int deep(int x) {
	return twice(x) ^ 7;
}
int first(int x) { return deep(x) + 1; }
__attribute__((cold)) int second(int *x) {
	*x = first(*x);
	return twice(*x);
}
