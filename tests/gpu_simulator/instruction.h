// A kernel as the machine runs it: PTX decoded into steps over register slots. A register of 32 bits or fewer
// is a slot of 32 lanes of 4 bytes, one of 64 bits takes two slots; constants and special registers have
// slots too, so every operand is a slot.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fp4::gpu_simulator {

inline constexpr int warp_size = 32;
inline constexpr size_t slot_bytes = 4 * warp_size;
inline constexpr uint32_t no_slot = ~0u;

class Warp;
struct Instruction;
struct Function;
struct Frame;
using Step = void (*)(Warp&, const Instruction&);

enum class Control : uint8_t {
    next,     // the step runs for the lanes at hand, which go on
    together, // likewise, once all lanes of the member mask are here
    branch,
    call,
    leave, // the function
    block_barrier,
    cluster_barrier
};

enum class Space : uint8_t { generic, global, shared, cluster, local };

struct Instruction {
    Step step = nullptr;
    Control control = Control::next;
    Space space = Space::generic;
    bool guard_inverted = false;
    bool sign = false;    // loads: extended with the sign
    uint8_t bytes = 0;    // loads, stores, atomics: of an element
    uint8_t elements = 1; // of a vector load or store
    uint32_t guard = no_slot;
    uint32_t members = no_slot;      // `together`: the mask's slot; none: all lanes
    uint32_t wide = 0;               // bit i: slot[i] has lanes of 8 bytes
    std::array<uint32_t, 20> slot{}; // destinations first
    uint32_t base = no_slot;         // addresses: a slot of 8 bytes (4: shared and cluster)
    int64_t offset = 0;              // addresses: added to it
    uint32_t target = 0;             // branch: the instruction's index
    const Function* callee = nullptr;
    uint32_t line = 0; // in the PTX
};

enum class Special : uint8_t {
    tid_x,
    tid_y,
    tid_z,
    ntid_x,
    ntid_y,
    ntid_z,
    ctaid_x,
    ctaid_y,
    ctaid_z,
    nctaid_x,
    nctaid_y,
    nctaid_z,
    lane,
    cluster_rank,
    local_memory,
    parameters
};

struct Function {
    struct Constant {
        uint32_t slot;
        bool wide;
        uint64_t bits;
    };
    struct SpecialSlot {
        uint32_t slot;
        bool wide;
        Special value;
        size_t offset; // added to an address
    };
    struct Parameter {
        size_t bytes = 0, offset = 0;
        uint32_t slot = no_slot; // of functions that are called; kernels read theirs from memory
        bool wide = false;
    };

    std::string name;
    std::vector<Instruction> code;
    uint32_t slots = 0;
    std::vector<Constant> constants;
    std::vector<SpecialSlot> specials;
    std::vector<Parameter> parameters, results;
    size_t parameter_bytes = 0;
    size_t static_shared = 0; // bytes; dynamic shared memory follows
    size_t local_bytes = 0;   // of a thread
    unsigned max_threads = 1024;
    mutable std::vector<std::shared_ptr<Frame>>
        spare; // of warps that are done: they are large, and kernels many
};

} // namespace fp4::gpu_simulator
