/* A chain of calls that spins for a while, or waits where it is told to. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

volatile unsigned long counter;

__attribute__((noinline)) void innermost_work(int wait)
{
	if (wait)
		pause();
	for (unsigned long i = 0; i < 300000000; i++)
		counter += i;
}

__attribute__((noinline)) void outer_work(int wait)
{
	innermost_work(wait);
	counter++;
}

int main(int argc, char **argv)
{
	int wait = argc > 1 && strcmp(argv[1], "wait") == 0;
	puts("ready");
	fflush(stdout);
	outer_work(wait);
	return 0;
}
