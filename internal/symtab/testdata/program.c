/* Functions of every kind that a symbol table can hold. */
#include <stdio.h>

static __attribute__((noinline)) int static_function(int x) { return x * 3 + 1; }
__attribute__((noinline)) int shared_function(int x) { return static_function(x) - 2; }

/* Several names for one function: the global one is to be told. */
__attribute__((noinline)) int the_function(int x) { return x ^ 5; }
int a_weak_name(int) __attribute__((weak, alias("the_function")));
static int a_local(int) __attribute__((alias("the_function"), used));
int an_other_global(int) __attribute__((alias("the_function")));

#ifndef NO_IFUNC
static int chosen(int x) { return x + 1; }
static int (*choose(void))(int) { return chosen; }
int indirect_function(int) __attribute__((ifunc("choose")));
#endif

__attribute__((section(".text.other"), noinline)) int in_other_section(int x) { return x + 40; }

int data_object = 4;
__thread int thread_local_object = 5;

/* Labels without size or type, code that belongs to nobody, and a symbol
   with a size inside of another. */
__asm__(".text\n"
	".globl sizeless_label\n"
	"sizeless_label:\n"
	"	nop\n	nop\n	nop\n	nop\n"
	".globl sizeless_function\n"
	".type sizeless_function, %function\n"
	"sizeless_function:\n"
	"	nop\n	nop\n	nop\n	nop\n"
	".globl outer\n"
	".type outer, %function\n"
	"outer:\n"
	"	nop\n	nop\n"
	".globl inner\n"
	".type inner, %function\n"
	"inner:\n"
	"	nop\n	nop\n"
	".size inner, . - inner\n"
	"label_in_outer:\n"
	"	nop\n	nop\n"
	".size outer, . - outer\n"
	".globl notype_with_size\n"
	"notype_with_size:\n"
	"	nop\n	nop\n"
	".size notype_with_size, . - notype_with_size\n"
	"	nop\n	nop\n"
	".globl reaches_out\n"
	".type reaches_out, %function\n"
	"reaches_out:\n"
	"	nop\n	nop\n"
	".size reaches_out, 0x100000\n"
	".set an_absolute, 0x401000\n"
	".globl an_absolute\n");

int main(int argc, char **argv)
{
	(void)argv;
	printf("%d\n", shared_function(argc) + the_function(argc) + in_other_section(argc) + data_object + thread_local_object);
	return 0;
}
