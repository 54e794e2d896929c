/* An object so small that all its segments share the file's first page. */
__attribute__((visibility("default"))) int tiny_data = 1;
__attribute__((visibility("default"))) int tiny(void) { return tiny_data; }
