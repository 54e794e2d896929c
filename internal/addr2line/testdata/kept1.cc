// The unit whose copy the linker keeps.
#include "kept.h"
int second(int);
int first(int n) { return n * 5 - 2; }
int main(int argc, char **) { return shared(argc) + second(argc) + first(argc); }
