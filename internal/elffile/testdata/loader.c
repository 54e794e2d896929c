/* Loads the ELF at an offset of a file as musl's dynamic loader and Android's
 * do what glibc's does not: one mapping of the whole length with the first
 * segment's permissions, then the other segments over it, and the holes stay
 * mapped; and an object need not begin where its file does.
 *
 * loader FILE OFFSET: prints "obj BIAS FILE" and "ready", and waits. */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int prot(Elf64_Phdr *p)
{
	return (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) | (p->p_flags & PF_X ? PROT_EXEC : 0);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char **argv)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	off_t start = argc > 2 ? strtoll(argv[2], NULL, 0) : 0;
	int fd = open(argv[1], O_RDONLY);
	char head[4096], c;
	if (fd < 0 || pread(fd, head, sizeof head, start) < (ssize_t)sizeof head)
		die(argv[1]);
	Elf64_Ehdr *eh = (Elf64_Ehdr *)head;
	Elf64_Phdr *ph = (Elf64_Phdr *)(head + eh->e_phoff), *first = NULL;
	size_t lo = -1, hi = 0;
	for (int i = 0; i < eh->e_phnum; i++) {
		if (ph[i].p_type != PT_LOAD)
			continue;
		if (!first)
			first = &ph[i], lo = ph[i].p_vaddr & -page;
		if (ph[i].p_vaddr + ph[i].p_memsz > hi)
			hi = (ph[i].p_vaddr + ph[i].p_memsz + page - 1) & -page;
	}
	char *base = mmap(NULL, hi - lo, prot(first), MAP_PRIVATE, fd, start + (first->p_offset & -page));
	if (base == MAP_FAILED)
		die("mmap");
	base -= lo;
	for (int i = 0; i < eh->e_phnum; i++) {
		Elf64_Phdr *p = &ph[i];
		if (p->p_type != PT_LOAD || p == first)
			continue;
		size_t min = p->p_vaddr & -page, max = (p->p_vaddr + p->p_memsz + page - 1) & -page;
		if (mmap(base + min, max - min, prot(p), MAP_PRIVATE | MAP_FIXED, fd, start + (p->p_offset & -page)) == MAP_FAILED)
			die("segment");
		size_t bss = (p->p_vaddr + p->p_filesz + page - 1) & -page;
		if (p->p_flags & PF_W && bss < max && mmap(base + bss, max - bss, prot(p), MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			die("bss");
	}
	printf("obj %llx %s\nready\n", (unsigned long long)(size_t)base, argv[1]);
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
