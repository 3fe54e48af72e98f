// What names mean in a function's PTX: slots, constants, and places in its memories.
#pragma once

#include <map>

#include "tests/gpu_simulator/ptx_module.h"

namespace fp4::gpu_simulator {

struct Operand {
    std::vector<std::string_view> names; // more than one: {a, b} or a|b
    int64_t offset = 0;                  // of an address, [name + offset]
};

uint64_t ptx_number(std::string_view text); // the bits of 12, -1, 0x7F, 0f3F800000

class PtxNames {
  public:
    struct Register {
        uint32_t slot = no_slot;
        bool wide = false; // lanes of 8 bytes
    };

    PtxNames(const PtxModule& module, Function& function) : module_(module), function_(function) {}

    void open_scope() { scopes_.emplace_back(); }
    void close_scope() { scopes_.pop_back(); }
    Register declare(std::string_view name, bool wide);
    const Register* find(std::string_view name) const;

    void place_shared(std::string_view name, size_t bytes, size_t alignment);
    void place_dynamic_shared(std::string_view name); // after all others
    void place_local(std::string_view name, size_t bytes);
    void place_parameter(std::string_view name, size_t offset); // of a kernel
    const size_t* parameter(std::string_view name) const;       // its offset, or null

    // Slots. They throw a Fault for names that mean nothing here.
    uint32_t source(std::string_view name, bool wide);
    uint32_t destination(std::string_view name);
    uint32_t constant(uint64_t bits, bool wide);

    void put_registers(Instruction& made, const Operand& operand, bool sources); // slot, wide, elements
    void put_address(Instruction& made, const Operand& operand);                 // base, offset

  private:
    using Places = std::map<std::string, size_t, std::less<>>;
    Register new_register(bool wide);
    uint32_t special(Special value, bool wide, size_t offset = 0);

    const PtxModule& module_;
    Function& function_;
    std::vector<std::map<std::string, Register, std::less<>>> scopes_;
    Places shared_, local_, parameters_;
};

} // namespace fp4::gpu_simulator
