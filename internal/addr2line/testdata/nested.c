// A function of GNU C in another: its DIE is a child of the outer one's, which
// does not cover its code.
volatile int sink;

__attribute__((noinline)) int outer(int x) {
	__attribute__((noinline)) int inner(int y) {
		sink += x * y;
		return sink;
	}
	return inner(x) + inner(x + 1);
}

int main(int argc, char **argv) { return outer(argc); }
