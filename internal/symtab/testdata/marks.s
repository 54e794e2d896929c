# Code and data in one section: on AArch64 and RISC-V the assembler adds $x
# and $d.
	.text
	.globl _start
	.type _start, %function
_start:
	ret
	.size _start, . - _start
	.word 1
	.globl after_data
	.type after_data, %function
after_data:
	nop
	ret
	.size after_data, . - after_data
	.word 2
