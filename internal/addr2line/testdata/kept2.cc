// A unit whose copy is dropped, while its debug information claims the other's.
#define SECOND
#include "kept.h"
int second(int n) { return shared(n) - 1; }
