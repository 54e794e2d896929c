package elffile

import "debug/elf"

// reloc is what a type of relocation does.
type reloc struct {
	op   uint8
	size uint8 // in bytes
}

const (
	relocNone = iota
	relocAbs  // the symbol's address and the addend
	relocAdd  // added to what is there: RISC-V's relaxation can change any distance
	relocSub
	relocSet6 // six bits
	relocSub6
)

// relocations are those that occur in sections of debug information, by the
// machines' ABI supplements.
var relocations = map[elf.Machine]map[uint32]reloc{
	elf.EM_X86_64: {
		uint32(elf.R_X86_64_NONE): {}, uint32(elf.R_X86_64_64): {relocAbs, 8},
		uint32(elf.R_X86_64_32): {relocAbs, 4}, uint32(elf.R_X86_64_32S): {relocAbs, 4},
		uint32(elf.R_X86_64_DTPOFF64): {}, uint32(elf.R_X86_64_DTPOFF32): {},
	},
	elf.EM_386: {
		uint32(elf.R_386_NONE): {}, uint32(elf.R_386_32): {relocAbs, 4}, uint32(elf.R_386_TLS_LDO_32): {},
	},
	elf.EM_AARCH64: {
		uint32(elf.R_AARCH64_NONE): {}, uint32(elf.R_AARCH64_ABS64): {relocAbs, 8}, uint32(elf.R_AARCH64_ABS32): {relocAbs, 4},
	},
	elf.EM_ARM: {
		uint32(elf.R_ARM_NONE): {}, uint32(elf.R_ARM_ABS32): {relocAbs, 4}, uint32(elf.R_ARM_TLS_LDO32): {},
	},
	elf.EM_PPC64: {
		uint32(elf.R_PPC64_NONE): {}, uint32(elf.R_PPC64_ADDR64): {relocAbs, 8}, uint32(elf.R_PPC64_ADDR32): {relocAbs, 4},
	},
	elf.EM_S390: {
		uint32(elf.R_390_NONE): {}, uint32(elf.R_390_64): {relocAbs, 8}, uint32(elf.R_390_32): {relocAbs, 4},
	},
	elf.EM_RISCV: {
		uint32(elf.R_RISCV_NONE): {}, uint32(elf.R_RISCV_64): {relocAbs, 8}, uint32(elf.R_RISCV_32): {relocAbs, 4},
		uint32(elf.R_RISCV_ADD8): {relocAdd, 1}, uint32(elf.R_RISCV_ADD16): {relocAdd, 2},
		uint32(elf.R_RISCV_ADD32): {relocAdd, 4}, uint32(elf.R_RISCV_ADD64): {relocAdd, 8},
		uint32(elf.R_RISCV_SUB8): {relocSub, 1}, uint32(elf.R_RISCV_SUB16): {relocSub, 2},
		uint32(elf.R_RISCV_SUB32): {relocSub, 4}, uint32(elf.R_RISCV_SUB64): {relocSub, 8},
		uint32(elf.R_RISCV_SET8): {relocAbs, 1}, uint32(elf.R_RISCV_SET16): {relocAbs, 2}, uint32(elf.R_RISCV_SET32): {relocAbs, 4},
		uint32(elf.R_RISCV_SET6): {relocSet6, 1}, uint32(elf.R_RISCV_SUB6): {relocSub6, 1},
		uint32(elf.R_RISCV_RELAX): {}, uint32(elf.R_RISCV_ALIGN): {},
	},
}
