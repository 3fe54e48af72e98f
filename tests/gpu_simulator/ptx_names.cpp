#include "tests/gpu_simulator/ptx_names.h"

#include <cctype>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {
namespace {

const std::map<std::string_view, Special>& specials() {
    static const std::map<std::string_view, Special> table = {
        {"%tid.x", Special::tid_x},       {"%tid.y", Special::tid_y},
        {"%tid.z", Special::tid_z},       {"%ntid.x", Special::ntid_x},
        {"%ntid.y", Special::ntid_y},     {"%ntid.z", Special::ntid_z},
        {"%ctaid.x", Special::ctaid_x},   {"%ctaid.y", Special::ctaid_y},
        {"%ctaid.z", Special::ctaid_z},   {"%nctaid.x", Special::nctaid_x},
        {"%nctaid.y", Special::nctaid_y}, {"%nctaid.z", Special::nctaid_z},
        {"%laneid", Special::lane},       {"%cluster_ctarank", Special::cluster_rank}};
    return table;
}

bool is_number(std::string_view name) {
    return std::isdigit(static_cast<unsigned char>(name[0])) || name[0] == '-';
}

} // namespace

uint64_t ptx_number(std::string_view name) {
    const std::string digits(name);
    if (name.starts_with("0f") || name.starts_with("0d") || name.starts_with("0F") || name.starts_with("0D"))
        return std::stoull(digits.substr(2), nullptr, 16);
    if (name[0] == '-') return static_cast<uint64_t>(-std::stoll(digits.substr(1), nullptr, 0));
    return std::stoull(digits, nullptr, 0); // a U behind it ends the number
}

PtxNames::Register PtxNames::new_register(bool wide) {
    const Register made{function_.slots, wide};
    function_.slots += wide ? 2 : 1;
    return made;
}

PtxNames::Register PtxNames::declare(std::string_view name, bool wide) {
    return scopes_.back()[std::string(name)] = new_register(wide);
}

const PtxNames::Register* PtxNames::find(std::string_view name) const {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
        if (const auto found = scope->find(name); found != scope->end()) return &found->second;
    return nullptr;
}

void PtxNames::place_shared(std::string_view name, size_t bytes, size_t alignment) {
    const size_t place = (function_.static_shared + alignment - 1) / alignment * alignment;
    shared_[std::string(name)] = place;
    function_.static_shared = place + bytes;
}

void PtxNames::place_dynamic_shared(std::string_view name) {
    constexpr size_t alignment = 1024; // the most that a kernel asks for
    place_shared(name, 0, alignment);
}

void PtxNames::place_local(std::string_view name, size_t bytes) {
    local_[std::string(name)] = function_.local_bytes;
    function_.local_bytes += (bytes + 15) / 16 * 16;
}

void PtxNames::place_parameter(std::string_view name, size_t offset) {
    parameters_[std::string(name)] = offset;
}

const size_t* PtxNames::parameter(std::string_view name) const {
    const auto found = parameters_.find(name);
    return found == parameters_.end() ? nullptr : &found->second;
}

uint32_t PtxNames::constant(uint64_t bits, bool wide) {
    const Register reg = new_register(wide);
    function_.constants.push_back({reg.slot, wide, bits});
    return reg.slot;
}

uint32_t PtxNames::special(Special value, bool wide, size_t offset) {
    const Register reg = new_register(wide);
    function_.specials.push_back({reg.slot, wide, value, offset});
    return reg.slot;
}

// The slot of a source of 4 or 8 bytes.
uint32_t PtxNames::source(std::string_view name, bool wide) {
    if (const Register* reg = find(name)) {
        if (reg->wide != wide) throw Fault("a register of another size: " + std::string(name));
        return reg->slot;
    }
    if (is_number(name)) return constant(ptx_number(name), wide);
    if (const auto found = specials().find(name); found != specials().end())
        return special(found->second, wide);
    if (const auto found = shared_.find(name); found != shared_.end()) return constant(found->second, wide);
    if (const auto found = local_.find(name); found != local_.end())
        return special(Special::local_memory, wide, found->second);
    if (const auto found = parameters_.find(name); found != parameters_.end() && wide)
        return special(Special::parameters, wide, found->second);
    if (const PtxModule::Variable* variable = module_.variable(name); variable && !variable->shared && wide)
        return constant(reinterpret_cast<uintptr_t>(variable->data.data()), true);
    throw Fault("no operand: " + std::string(name));
}

uint32_t PtxNames::destination(std::string_view name) {
    if (name == "_") return new_register(true).slot;
    const Register* reg = find(name);
    if (!reg) throw Fault("no register: " + std::string(name));
    return reg->slot;
}

void PtxNames::put_registers(Instruction& made, const Operand& operand, bool sources) {
    made.elements = static_cast<uint8_t>(operand.names.size());
    for (size_t i = 0; i < operand.names.size(); ++i) {
        const Register* reg = find(operand.names[i]);
        const bool wide = reg ? reg->wide : made.bytes == 8;
        made.slot[i] = sources ? source(operand.names[i], wide) : destination(operand.names[i]);
        made.wide |= uint32_t(wide) << i;
    }
}

void PtxNames::put_address(Instruction& made, const Operand& operand) {
    const std::string_view name = operand.names[0];
    made.offset = operand.offset;
    if (const Register* reg = find(name)) {
        const bool narrow = made.space == Space::shared || made.space == Space::cluster;
        if (reg->wide == narrow) throw Fault("an address register of the wrong size: " + std::string(name));
        made.base = reg->slot;
    } else if (const auto found = shared_.find(name); found != shared_.end() && made.space == Space::shared) {
        made.offset += static_cast<int64_t>(found->second);
    } else if (const PtxModule::Variable* variable = module_.variable(name); variable && !variable->shared) {
        made.offset += reinterpret_cast<intptr_t>(variable->data.data());
    } else {
        throw Fault("no address: " + std::string(name));
    }
}

} // namespace fp4::gpu_simulator
