/* Notes beside the linker's own: a probe of SystemTap's type, which is the
 * build ID's too, and notes aligned to 4 and to 8 bytes. */
__asm__(
	".section .note.stapsdt,\"\",@note\n"
	".balign 4\n"
	".long 8, 30, 3\n"
	".asciz \"stapsdt\"\n"
	".quad 1, 2, 3\n"
	".asciz \"p\", \"n\", \"a\"\n"
	".balign 4\n"
	".section .note.four,\"a\",@note\n"
	".balign 4\n"
	".long 4, 12, 3\n"
	".asciz \"ABC\"\n"
	".long 1, 2, 3\n"
	".section .note.eight,\"a\",@note\n"
	".balign 8\n"
	".long 4, 12, 3\n"
	".asciz \"XYZ\"\n"
	".quad 1\n"
	".long 2\n"
	".balign 8\n"
	".previous\n");
