/* Opens the libraries that it is given, prints "obj BIAS NAME" for each object
 * that the dynamic loader loaded, "ready", and waits until its standard input
 * ends. */
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifndef STATIC
#include <dlfcn.h>
#endif

static int print(struct dl_phdr_info *i, size_t size, void *arg)
{
	(void)size, (void)arg;
	printf("obj %llx %s\n", (unsigned long long)i->dlpi_addr, i->dlpi_name);
	return 0;
}

int main(int argc, char **argv)
{
	char c;
	(void)argc, (void)argv;
#ifndef STATIC
	for (int i = 1; i < argc; i++)
		if (!dlopen(argv[i], RTLD_NOW)) {
			fprintf(stderr, "%s\n", dlerror());
			return 1;
		}
#endif
	dl_iterate_phdr(print, NULL);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
