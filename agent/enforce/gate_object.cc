#include "agent/enforce/gate_object.h"

#include <cstddef>

// .incbin: g++ 12 has no #embed, and a hex array of this size compiles slowly.
__asm__(
    ".pushsection .rodata\n"
    ".balign 16\n"
    ".global sekisho_gate_object\n"
    ".global sekisho_gate_object_end\n"
    "sekisho_gate_object:\n"
    ".incbin \"" SEKISHO_GATE_OBJECT
    "\"\n"
    "sekisho_gate_object_end:\n"
    ".byte 0\n"
    ".popsection\n");

extern "C" {
extern const std::byte sekisho_gate_object[];
extern const std::byte sekisho_gate_object_end[];
}

namespace sekisho::enforce {

ByteSpan GateObject() { return {sekisho_gate_object, sekisho_gate_object_end}; }

}  // namespace sekisho::enforce
