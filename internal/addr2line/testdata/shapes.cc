// Templates, namespaces, constructors, lambdas and local classes: names that
// are mangled, and functions whose DIEs are in types in functions.
#include "calls.h"

volatile int sink;

namespace geometry {

template <typename T>
struct Box {
	T v;
	explicit Box(T x) : v(x) { sink += (int)x; }
	T grow(T by) {
		v += by;
		return v * v;
	}
	template <typename F>
	T apply(F f) const { return f(v) + f(v + 1); }
};

struct Shape {
	virtual ~Shape() {}
	virtual int area(int x) = 0;
};

namespace {
struct Square : Shape {
	int area(int x) override { return x * x + four(x); }
};
struct Circle : Shape {
	int area(int x) override { return 3 * x * x + twice(x); }
};
}  // namespace

static __attribute__((noinline)) Shape *pick(int x) {
	static Square square;
	static Circle circle;
	return x & 1 ? static_cast<Shape *>(&square) : &circle;
}

}  // namespace geometry

static inline int visit(int x) {
	struct Local {
		int base;
		__attribute__((noinline)) int method(int y) { return base + four(y); }
	} local{x};
	auto add = [&](int y) { return local.method(y) + x; };
	geometry::Box<long> box(x);
	return (int)box.apply([&](long v) { return v * add((int)v); }) + (int)box.grow(x);
}

extern "C" int plain(int x) { return visit(x) + visit(x + 1); }

int main(int argc, char **argv) {
	geometry::Box<int> box(argc);
	return plain(box.grow(argc)) + geometry::pick(argc)->area(argc);
}
