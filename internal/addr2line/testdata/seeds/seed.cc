namespace shapes {
struct Box {
	int side;
	__attribute__((always_inline)) int area() const { return side * side; }
	int grow(int by);
};
template <class T> __attribute__((noinline)) int twice(const T &t) { return t.area() * 2; }
int Box::grow(int by) {
	side += by;
	return twice(*this) + area();
}
}
