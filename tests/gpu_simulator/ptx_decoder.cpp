// PTX ISA 9.0, as far as nvcc makes it of this project's kernels: what it does not know is a Fault that names it.
#include <cctype>
#include <map>
#include <set>

#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/memory_steps.h"
#include "tests/gpu_simulator/ptx_module.h"
#include "tests/gpu_simulator/step_table.h"
#include "tests/gpu_simulator/warp_steps.h"

namespace fp4::gpu_simulator {
namespace {

const StepTable& lane_steps() {
    static const StepTable table = [] {
        StepTable made;
        add_integer_steps(made);
        add_float_steps(made);
        add_conversion_steps(made);
        return made;
    }();
    return table;
}

// Instructions with operands of 4 bytes only (or none), none of them an address.
struct WarpStep {
    Step step;
    Control control = Control::together;
    bool member_mask = false; // the last operand
};
const std::map<std::string_view, WarpStep>& warp_steps() {
    static const std::map<std::string_view, WarpStep> table = {
        {"vote.sync.any.pred", {vote_any, Control::together, true}},
        {"vote.sync.all.pred", {vote_all, Control::together, true}},
        {"vote.sync.ballot.b32", {vote_ballot, Control::together, true}},
        {"bar.warp.sync", {meet, Control::together, true}},
        {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", {multiply_f16}},
        {"mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue8m0", {multiply_mxf4}},
        {"mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3", {multiply_nvf4}},
        {"mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.scale_vec::1X.f32.e2m1.e4m3.f32.ue8m0", {multiply_e2m1_e4m3}},
        {"cp.async.commit_group", {close_copies, Control::next}},
        {"griddepcontrol.wait", {wait_for_kernels, Control::next}},
        {"mapa.shared::cluster.u32", {to_cluster_address, Control::next}},
    };
    return table;
}

const std::map<std::string_view, Step>& shuffles() {
    static const std::map<std::string_view, Step> table = {{"shfl.sync.idx.b32", shuffle_index},
                                                           {"shfl.sync.up.b32", shuffle_up},
                                                           {"shfl.sync.down.b32", shuffle_down},
                                                           {"shfl.sync.bfly.b32", shuffle_butterfly}};
    return table;
}

const std::map<std::string_view, Special>& specials() {
    static const std::map<std::string_view, Special> table = {
        {"%tid.x", Special::tid_x},       {"%tid.y", Special::tid_y},       {"%tid.z", Special::tid_z},
        {"%ntid.x", Special::ntid_x},     {"%ntid.y", Special::ntid_y},     {"%ntid.z", Special::ntid_z},
        {"%ctaid.x", Special::ctaid_x},   {"%ctaid.y", Special::ctaid_y},   {"%ctaid.z", Special::ctaid_z},
        {"%nctaid.x", Special::nctaid_x}, {"%nctaid.y", Special::nctaid_y}, {"%nctaid.z", Special::nctaid_z},
        {"%laneid", Special::lane},       {"%cluster_ctarank", Special::cluster_rank}};
    return table;
}

bool ignored(std::string_view opcode) {
    return opcode.starts_with("membar.") || opcode.starts_with("fence.") || opcode.starts_with("prefetch") ||
           opcode == "griddepcontrol.launch_dependents" || opcode == "nanosleep.u32";
}

void trap(Warp&, const Instruction&) {
    throw Fault("a trap");
}

// slot: the whole, low, high.
template <class Whole, class Half>
void join_halves(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        const Whole low = warp.get<Half>(instruction.slot[1], lane), high = warp.get<Half>(instruction.slot[2], lane);
        warp.put<Whole>(instruction.slot[0], lane, low | high << 8 * sizeof(Half));
    });
}
template <class Whole, class Half>
void part_halves(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        const Whole whole = warp.get<Whole>(instruction.slot[0], lane);
        warp.put<Half>(instruction.slot[1], lane, static_cast<Half>(whole));
        warp.put<Half>(instruction.slot[2], lane, static_cast<Half>(whole >> 8 * sizeof(Half)));
    });
}

std::vector<std::string_view> parts_of(std::string_view opcode) {
    std::vector<std::string_view> parts;
    for (size_t at = 0; at <= opcode.size();) {
        const size_t end = std::min(opcode.find('.', at), opcode.size());
        parts.push_back(opcode.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

class Decoder {
  public:
    Decoder(PtxModule& module, Function& function, const PtxModule::Body& body)
        : module_(module), tokens_(module.tokens()), function_(function), body_(body) {}

    void run() {
        scopes_.emplace_back();
        lay_out_shared();
        at_ = body_.first;
        header();
        statements();
        for (const auto& [instruction, label] : jumps_) {
            const auto found = labels_.find(label);
            if (found == labels_.end()) throw Fault("no label " + std::string(label));
            function_.code[instruction].target = found->second;
        }
    }

  private:
    struct Register {
        uint32_t slot = no_slot;
        bool wide = false;
    };
    struct Operand {
        std::vector<std::string_view> names; // more than one: {a, b} or a|b
        bool address = false;
        int64_t offset = 0; // of an address
    };

    std::string_view text() const { return tokens_[at_].text; }
    std::string_view take() { return tokens_[at_++].text; }
    bool take_if(std::string_view expected) {
        if (text() != expected) return false;
        ++at_;
        return true;
    }
    void expect(std::string_view expected) {
        if (!take_if(expected))
            throw Fault("PTX line " + std::to_string(tokens_[at_].line) + ": '" + std::string(expected) +
                        "' expected, found '" + std::string(text()) + "'");
    }

    Register new_register(bool wide) {
        const Register made{function_.slots, wide};
        function_.slots += wide ? 2 : 1;
        return made;
    }
    void declare(std::string_view name, Register reg) { scopes_.back()[std::string(name)] = reg; }
    const Register* find(std::string_view name) const {
        for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
            if (const auto found = scope->find(name); found != scope->end()) return &found->second;
        return nullptr;
    }

    // Shared variables of the module and of the function that the function names, in their order.
    void lay_out_shared() {
        std::set<std::string_view> seen;
        size_t end = 0;
        auto place = [&](std::string_view name, size_t bytes, size_t alignment) {
            end = (end + alignment - 1) / alignment * alignment;
            shared_[std::string(name)] = end;
            end += bytes;
        };
        std::vector<std::string_view> dynamic;
        for (size_t i = body_.first; i < body_.last; ++i) {
            const std::string_view name = tokens_[i].text;
            const PtxModule::Variable* variable = module_.variable(name);
            if (!variable || !variable->shared || !seen.insert(name).second) continue;
            if (variable->dynamic) dynamic.push_back(name);
            else place(name, variable->bytes, variable->alignment);
        }
        for (size_t i = body_.first; i < body_.last; ++i)
            if (tokens_[i].text == ".shared") {
                const Declaration declared = declaration(i + 1);
                place(declared.name, declared.bytes, declared.alignment);
            }
        if (!dynamic.empty()) end = (end + 1023) / 1024 * 1024;
        for (std::string_view name : dynamic) shared_[std::string(name)] = end;
        function_.static_shared = end;
    }

    struct Declaration {
        std::string_view name, type;
        size_t bytes = 0, alignment = 1, next = 0; // next: the token behind it
    };
    // [.align n] .type name[bytes], up to `;`, `,` or `)`.
    Declaration declaration(size_t at) const {
        Declaration made;
        size_t count = 1;
        for (;; ++at) {
            const std::string_view token = tokens_[at].text;
            if (token == ";" || token == "," || token == ")") break;
            if (token == ".align") made.alignment = std::stoul(std::string(tokens_[++at].text));
            else if (token == ".ptr") continue;
            else if (token.starts_with('.')) made.type = token;
            else if (token == "[") count = std::stoul(std::string(tokens_[++at].text)), ++at;
            else made.name = token;
        }
        made.bytes = count * type_bytes(made.type);
        made.next = at;
        return made;
    }

    void header() {
        auto list = [&](std::vector<Function::Parameter>& parameters) {
            size_t end = 0;
            while (!take_if(")")) {
                take_if(",");
                expect(".param");
                const Declaration declared = declaration(at_);
                at_ = declared.next;
                Function::Parameter parameter;
                parameter.bytes = declared.bytes;
                const size_t alignment = std::max(declared.alignment, std::min<size_t>(type_bytes(declared.type), 8));
                parameter.offset = end = (end + alignment - 1) / alignment * alignment;
                end += declared.bytes;
                if (body_.kernel) {
                    kernel_parameters_[std::string(declared.name)] = parameter.offset;
                } else {
                    if (declared.bytes > 8) throw Fault("a function that takes a structure");
                    const Register reg = new_register(declared.bytes == 8);
                    parameter.slot = reg.slot;
                    parameter.wide = reg.wide;
                    declare(declared.name, reg);
                }
                parameters.push_back(parameter);
            }
            return end;
        };
        if (take_if("(")) list(function_.results);
        take(); // the name
        if (take_if("(")) function_.parameter_bytes = list(function_.parameters);
        for (; text() != "{"; ++at_)
            if (text() == ".maxntid") function_.max_threads = std::stoul(std::string(tokens_[at_ + 1].text));
    }

    void statements() {
        for (int depth = 0;;) {
            const std::string_view token = text();
            if (token == "{") {
                ++at_, ++depth;
                scopes_.emplace_back();
            } else if (token == "}") {
                ++at_;
                scopes_.pop_back();
                if (--depth == 0) break;
            } else if (token == ".reg") {
                ++at_;
                registers();
            } else if (token == ".shared") {
                at_ = declaration(at_ + 1).next + 1; // laid out already
            } else if (token == ".local") {
                const Declaration declared = declaration(at_ + 1);
                const size_t offset = (function_.local_bytes + 15) / 16 * 16;
                local_[std::string(declared.name)] = offset;
                function_.local_bytes = (offset + declared.bytes + 15) / 16 * 16;
                at_ = declared.next + 1;
            } else if (token == ".param") {
                const Declaration declared = declaration(at_ + 1);
                if (declared.bytes > 8) throw Fault("a call with a structure");
                declare(declared.name, new_register(declared.bytes == 8));
                at_ = declared.next + 1;
            } else if (token.starts_with('.')) { // .loc, .pragma: a line
                for (const uint32_t line = tokens_[at_].line; tokens_[at_].line == line;) ++at_;
            } else if (tokens_[at_ + 1].text == ":") {
                labels_[token] = static_cast<uint32_t>(function_.code.size());
                at_ += 2;
            } else {
                instruction();
            }
        }
        // A body may end without `ret`.
        Instruction end;
        end.control = Control::leave;
        function_.code.push_back(end);
    }

    void registers() {
        const std::string_view type = take();
        const bool wide = type_bytes(type) == 8;
        do {
            const std::string name(take());
            if (take_if("<")) {
                const unsigned count = std::stoul(std::string(take()));
                expect(">");
                for (unsigned i = 0; i < count; ++i) declare(name + std::to_string(i), new_register(wide));
            } else {
                declare(name, new_register(wide));
            }
        } while (take_if(","));
        expect(";");
    }

    static bool is_number(std::string_view name) {
        return std::isdigit(static_cast<unsigned char>(name[0])) || name[0] == '-';
    }
    static uint64_t number(std::string_view name) {
        const std::string digits(name);
        if (name.starts_with("0f") || name.starts_with("0d") || name.starts_with("0F") || name.starts_with("0D"))
            return std::stoull(digits.substr(2), nullptr, 16);
        if (name[0] == '-') return static_cast<uint64_t>(-std::stoll(digits.substr(1), nullptr, 0));
        return std::stoull(digits, nullptr, 0); // a U behind it ends the number
    }

    Operand operand() {
        Operand made;
        auto name = [&] {
            if (take_if("-")) {
                const std::string_view digits = take();
                return std::string_view(digits.data() - 1, digits.size() + 1);
            }
            return take();
        };
        if (take_if("{")) {
            do made.names.push_back(name());
            while (take_if(","));
            expect("}");
        } else if (take_if("[")) {
            made.address = true;
            made.names.push_back(name());
            while (take_if("+")) made.offset += static_cast<int64_t>(number(name()));
            expect("]");
        } else {
            made.names.push_back(name());
            if (take_if("|")) made.names.push_back(name());
        }
        return made;
    }

    uint32_t constant(uint64_t bits, bool wide) {
        const Register reg = new_register(wide);
        function_.constants.push_back({reg.slot, wide, bits});
        return reg.slot;
    }
    uint32_t special(Special value, bool wide, size_t offset = 0) {
        const Register reg = new_register(wide);
        function_.specials.push_back({reg.slot, wide, value, offset});
        return reg.slot;
    }

    // The slot of a source of 4 or 8 bytes.
    uint32_t source(std::string_view name, bool wide) {
        if (const Register* reg = find(name)) {
            if (reg->wide != wide) throw Fault("a register of another size: " + std::string(name));
            return reg->slot;
        }
        if (is_number(name)) return constant(number(name), wide);
        if (const auto found = specials().find(name); found != specials().end()) return special(found->second, wide);
        if (const auto found = shared_.find(name); found != shared_.end()) return constant(found->second, wide);
        if (const auto found = local_.find(name); found != local_.end())
            return special(Special::local_memory, wide, found->second);
        if (const auto found = kernel_parameters_.find(name); found != kernel_parameters_.end() && wide)
            return special(Special::parameters, wide, found->second);
        if (const PtxModule::Variable* variable = module_.variable(name); variable && !variable->shared && wide)
            return constant(reinterpret_cast<uintptr_t>(variable->data.data()), true);
        throw Fault("no operand: " + std::string(name));
    }
    uint32_t destination(std::string_view name) {
        if (name == "_") return new_register(true).slot;
        const Register* reg = find(name);
        if (!reg) throw Fault("no register: " + std::string(name));
        return reg->slot;
    }
    void put_registers(Instruction& made, const Operand& operand, bool sources) {
        made.elements = static_cast<uint8_t>(operand.names.size());
        for (size_t i = 0; i < operand.names.size(); ++i) {
            const Register* reg = find(operand.names[i]);
            const bool wide = reg ? reg->wide : made.bytes == 8;
            made.slot[i] = sources ? source(operand.names[i], wide) : destination(operand.names[i]);
            made.wide |= uint32_t(wide) << i;
        }
    }
    void put_address(Instruction& made, const Operand& operand) {
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

    void instruction() {
        Instruction made;
        made.line = tokens_[at_].line;
        if (take_if("@")) {
            made.guard_inverted = take_if("!");
            made.guard = source(take(), false);
        }
        const std::string_view opcode = take();
        if (opcode == "call" || opcode.starts_with("call.")) return call(made);
        std::vector<Operand> operands;
        if (!take_if(";")) {
            do operands.push_back(operand());
            while (take_if(","));
            expect(";");
        }
        try {
            decode(made, opcode, operands);
        } catch (const Fault& fault) {
            throw Fault(std::string(fault.what()) + "\n  in " + std::string(opcode) + ", line " +
                        std::to_string(made.line) + " of the PTX of " + function_.name);
        }
    }

    void add(const Instruction& made) { function_.code.push_back(made); }

    void decode(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands) {
        if (ignored(opcode)) return;
        if (opcode.starts_with("mov.") && (operands[0].names.size() > 1 || operands[1].names.size() > 1))
            return pack(made, operands);
        if (const auto found = lane_steps().find(std::string(opcode)); found != lane_steps().end()) {
            const StepEntry& entry = found->second;
            if (entry.operand_bytes.size() != operands.size()) throw Fault("another number of operands");
            made.step = entry.step;
            made.slot[0] = destination(operands[0].names[0]);
            for (size_t i = 1; i < operands.size(); ++i)
                made.slot[i] = source(operands[i].names[0], entry.operand_bytes[i] == 8);
            return add(made);
        }
        if (const auto found = warp_steps().find(opcode); found != warp_steps().end()) {
            made.step = found->second.step;
            made.control = found->second.control;
            size_t next = 0;
            for (const Operand& operand : operands)
                for (std::string_view name : operand.names) made.slot[next++] = source(name, false);
            if (found->second.member_mask) made.members = made.slot[next - 1];
            return add(made);
        }
        if (const auto found = shuffles().find(opcode); found != shuffles().end()) {
            made.step = found->second;
            made.control = Control::together;
            made.slot[0] = destination(operands[0].names[0]);
            made.slot[1] = operands[0].names.size() > 1 ? destination(operands[0].names[1]) : no_slot;
            for (size_t i = 1; i < 4; ++i) made.slot[1 + i] = source(operands[i].names[0], false);
            made.members = source(operands[4].names[0], false);
            return add(made);
        }
        const std::vector<std::string_view> parts = parts_of(opcode);
        if (parts[0] == "bra") {
            made.control = Control::branch;
            jumps_.emplace_back(function_.code.size(), operands[0].names[0]);
        } else if (parts[0] == "ret" || parts[0] == "exit") {
            made.control = Control::leave;
        } else if (parts[0] == "trap") {
            made.step = trap;
        } else if (opcode == "bar.sync" || opcode == "barrier.sync") {
            if (operands.size() != 1 || operands[0].names[0] != "0") throw Fault("a barrier of some warps");
            made.control = Control::block_barrier;
        } else if (opcode.starts_with("barrier.cluster.arrive")) {
            return; // nothing is between it and the wait
        } else if (opcode.starts_with("barrier.cluster.wait")) {
            made.control = Control::cluster_barrier;
        } else if (parts[0] == "cvta") {
            return convert_address(made, opcode, operands);
        } else if (parts[0] == "cp") {
            copy(made, parts, operands);
        } else if (parts[0] == "ldmatrix") {
            if (opcode == "ldmatrix.sync.aligned.m8n8.x4.shared.b16") made.step = load_matrices;
            else if (opcode == "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16") made.step = load_matrices_transposed;
            else throw Fault("not simulated");
            made.control = Control::together;
            made.space = Space::shared;
            put_registers(made, operands[0], false);
            put_address(made, operands[1]);
        } else if (parts[0] == "ld" || parts[0] == "st" || parts[0] == "atom") {
            return access(made, parts, operands);
        } else {
            throw Fault("not simulated");
        }
        add(made);
    }

    // mov of a vector: {low, high} to or from one register of twice the size.
    void pack(Instruction& made, const std::vector<Operand>& operands) {
        const bool packs = operands[1].names.size() == 2;
        const Operand& halves = operands[packs ? 1 : 0];
        const std::string_view whole = operands[packs ? 0 : 1].names[0];
        const Register* reg = find(whole);
        if (!reg || halves.names.size() != 2) throw Fault("not simulated");
        made.slot[0] = reg->slot;
        for (int i = 0; i < 2; ++i)
            made.slot[1 + i] = packs ? source(halves.names[i], false) : destination(halves.names[i]);
        if (reg->wide) made.step = packs ? join_halves<uint64_t, uint32_t> : part_halves<uint64_t, uint32_t>;
        else made.step = packs ? join_halves<uint32_t, uint16_t> : part_halves<uint32_t, uint16_t>;
        add(made);
    }

    // To a space: its window is taken off; from one: added. Addresses of global memory are the same everywhere.
    void convert_address(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands) {
        uint64_t change = 0;
        if (opcode.starts_with("cvta.shared")) change = shared_window;
        else if (opcode.starts_with("cvta.local")) change = local_window;
        else if (opcode.starts_with("cvta.to.shared")) change = 0 - shared_window;
        else if (opcode.starts_with("cvta.to.local")) change = 0 - local_window;
        made.slot[0] = destination(operands[0].names[0]);
        made.slot[1] = source(operands[1].names[0], true);
        made.slot[2] = constant(change, true);
        made.step = lane_steps().at("add.u64").step;
        add(made);
    }

    void copy(Instruction& made, const std::vector<std::string_view>& parts, const std::vector<Operand>& operands) {
        if (parts[2] == "wait_group" || parts[2] == "wait_all") {
            made.step = wait_copies;
            made.offset = parts[2] == "wait_all" ? -1 : static_cast<int64_t>(number(operands[0].names[0]));
            return;
        }
        if (parts[2] != "ca" && parts[2] != "cg") throw Fault("not simulated");
        made.step = copy_async;
        made.bytes = static_cast<uint8_t>(number(operands[2].names[0]));
        made.slot[0] = operands.size() > 3 ? source(operands[3].names[0], false) : constant(made.bytes, false);
        made.slot[1] = source(operands[0].names[0], false);
        made.slot[2] = constant(static_cast<uint64_t>(operands[0].offset), false);
        made.space = Space::global;
        put_address(made, operands[1]);
    }

    void access(Instruction& made, const std::vector<std::string_view>& parts, const std::vector<Operand>& operands) {
        const std::string_view type = parts.back();
        made.bytes = static_cast<uint8_t>(type_bytes(type));
        made.sign = type[0] == 's';
        bool parameter = false;
        AtomicOperation operation = AtomicOperation::add;
        for (std::string_view part : parts) {
            if (part == "global") made.space = Space::global;
            else if (part == "shared" || part == "shared::cta") made.space = Space::shared;
            else if (part == "shared::cluster") made.space = Space::cluster;
            else if (part == "local") made.space = Space::local;
            else if (part == "param") parameter = true;
            else if (part == "min") operation = AtomicOperation::minimum;
            else if (part == "max") operation = AtomicOperation::maximum;
            else if (part == "exch") operation = AtomicOperation::exchange;
            else if (part == "or") operation = AtomicOperation::logic_or;
            else if (part == "cas" || part == "and" || part == "inc" || part == "dec") throw Fault("not simulated");
        }
        if (parts[0] == "atom") {
            made.step = atomic_step(operation);
            made.slot[0] = destination(operands[0].names[0]);
            put_address(made, operands[1]);
            made.slot[1] = source(operands[2].names[0], made.bytes == 8);
            return add(made);
        }
        const bool loads = parts[0] == "ld";
        const Operand &values = operands[loads ? 0 : 1], &place = operands[loads ? 1 : 0];
        if (parameter) {
            if (const auto found = kernel_parameters_.find(place.names[0]); found != kernel_parameters_.end()) {
                put_registers(made, values, false);
                made.step = load_parameter;
                made.offset = static_cast<int64_t>(found->second) + place.offset;
                return add(made);
            }
            const Register* slot = find(place.names[0]);
            if (slot && place.names[0][0] == '%') { // an address in the kernel's parameters
                made.space = Space::global;
                made.step = load;
                put_registers(made, values, false);
                put_address(made, place);
                return add(made);
            }
            // Of a call: slots.
            if (!slot || place.offset != 0 || values.names.size() != 1) throw Fault("not simulated");
            const std::string name = slot->wide ? "mov.b64" : "mov.b32";
            made.step = lane_steps().at(name).step;
            made.slot[0] = loads ? destination(values.names[0]) : slot->slot;
            made.slot[1] = loads ? slot->slot : source(values.names[0], slot->wide);
            return add(made);
        }
        made.step = loads ? load : store;
        put_registers(made, values, !loads);
        put_address(made, place);
        add(made);
    }

    // call.uni (result), function, (arguments);
    void call(Instruction& made) {
        std::vector<std::string_view> results, arguments;
        auto list = [&](std::vector<std::string_view>& names) {
            while (!take_if(")")) {
                take_if(",");
                names.push_back(take());
            }
        };
        if (take_if("(")) {
            list(results);
            expect(",");
        }
        const std::string name(take());
        if (take_if(",")) {
            expect("(");
            list(arguments);
        }
        expect(";");
        made.control = Control::call;
        made.callee = &module_.function(name);
        if (made.callee->static_shared) throw Fault("a function with shared memory of its own: " + name);
        size_t next = 0;
        for (std::string_view argument : arguments) made.slot[next++] = destination(argument);
        for (std::string_view result : results) made.slot[next++] = destination(result);
        add(made);
    }

    using Scope = std::map<std::string, Register, std::less<>>;

    PtxModule& module_;
    const std::vector<Token>& tokens_;
    Function& function_;
    const PtxModule::Body& body_;
    size_t at_ = 0;
    std::vector<Scope> scopes_;
    std::map<std::string, size_t, std::less<>> shared_, local_, kernel_parameters_;
    std::map<std::string_view, uint32_t> labels_;
    std::vector<std::pair<size_t, std::string_view>> jumps_;
};

} // namespace

std::unique_ptr<Function> decode_function(PtxModule& module, const std::string& name, const PtxModule::Body& body) {
    auto function = std::make_unique<Function>();
    function->name = name;
    Decoder(module, *function, body).run();
    return function;
}

} // namespace fp4::gpu_simulator
