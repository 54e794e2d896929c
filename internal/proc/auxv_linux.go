package proc

import (
	"encoding/binary"
)

// Auxv returns the auxiliary vector as it was when p was opened.
func (p *Process) Auxv() (Auxv, error) {
	if p.auxv == nil {
		return nil, p.errorf("auxv: %w", ErrMemoryDenied)
	}
	return parseAuxv(p.auxv, binary.NativeEndian)
}
