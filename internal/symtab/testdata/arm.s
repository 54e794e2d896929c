@ ARM and Thumb functions; the assembler adds $a, $t and $d.
	.syntax unified
	.text
	.arm
	.globl arm_function
	.type arm_function, %function
arm_function:
	bx lr
	.word 0x12345678
	.size arm_function, . - arm_function
	.thumb
	.globl thumb_function
	.thumb_func
	.type thumb_function, %function
thumb_function:
	bx lr
	nop
	.size thumb_function, . - thumb_function
	.globl thumb_sizeless
	.thumb_func
	.type thumb_sizeless, %function
thumb_sizeless:
	bx lr
	nop
	.globl _start
_start:
	bx lr
