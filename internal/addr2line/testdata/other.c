// A second unit.
#include "calls.h"

int other(int x) {
	struct {
		int a[4];
	} s = {{x, x + 1, x + 2, x + 3}};
	int sum = 0;
	for (int i = 0; i < 4; i++) {
		int y = four(s.a[i]);
		sum += y;
	}
	return sum;
}
