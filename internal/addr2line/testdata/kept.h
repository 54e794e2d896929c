// A function that every unit that includes this has a copy of.
#ifdef SECOND
#line 500
#endif
template <class T> __attribute__((noinline)) T shared(T v) { return v * 3 + 1; }
