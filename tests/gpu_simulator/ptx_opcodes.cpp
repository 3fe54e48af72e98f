#include "tests/gpu_simulator/ptx_opcodes.h"

#include <algorithm>

#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/memory_steps.h"
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
        {"bar.warp.sync", {meet, Control::together, true}},
        {"mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", {multiply_f16}},
        {"mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue8m0",
         {multiply_mxf4}},
        {"mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3",
         {multiply_nvf4}},
        {"mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.scale_vec::1X.f32.e2m1.e4m3.f32.ue8m0",
         {multiply_e2m1_e4m3}},
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

bool ignored(std::string_view opcode) {
    return opcode.starts_with("membar.") || opcode.starts_with("fence.") || opcode.starts_with("prefetch") ||
           opcode.starts_with("barrier.cluster.arrive") || // the wait is for all it was for
           opcode == "griddepcontrol.launch_dependents" || opcode == "nanosleep.u32";
}

void trap(Warp&, const Instruction&) {
    throw Fault("a trap");
}

// slot: the whole, low, high.
template <class Whole, class Half>
void join_halves(Warp& warp, const Instruction& instruction) {
    each_lane(warp.lanes(), [&](int lane) {
        const Whole low = warp.get<Half>(instruction.slot[1], lane),
                    high = warp.get<Half>(instruction.slot[2], lane);
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

class OpcodeDecoder {
  public:
    explicit OpcodeDecoder(PtxNames& names) : names_(names) {}

    void decode(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands) {
        if (opcode.starts_with("mov.") && (operands[0].names.size() > 1 || operands[1].names.size() > 1))
            return pack(made, operands);
        if (const auto found = lane_steps().find(std::string(opcode)); found != lane_steps().end()) {
            const StepEntry& entry = found->second;
            if (entry.operand_bytes.size() != operands.size()) throw Fault("another number of operands");
            made.step = entry.step;
            made.slot[0] = names_.destination(operands[0].names[0]);
            for (size_t i = 1; i < operands.size(); ++i)
                made.slot[i] = names_.source(operands[i].names[0], entry.operand_bytes[i] == 8);
            return;
        }
        if (const auto found = warp_steps().find(opcode); found != warp_steps().end()) {
            made.step = found->second.step;
            made.control = found->second.control;
            size_t next = 0;
            for (const Operand& operand : operands)
                for (std::string_view name : operand.names) made.slot[next++] = names_.source(name, false);
            if (found->second.member_mask) made.members = made.slot[next - 1];
            return;
        }
        if (const auto found = shuffles().find(opcode); found != shuffles().end()) {
            made.step = found->second;
            made.control = Control::together;
            made.slot[0] = names_.destination(operands[0].names[0]);
            made.slot[1] = operands[0].names.size() > 1 ? names_.destination(operands[0].names[1]) : no_slot;
            for (size_t i = 1; i < 4; ++i) made.slot[1 + i] = names_.source(operands[i].names[0], false);
            made.members = names_.source(operands[4].names[0], false);
            return;
        }
        const std::vector<std::string_view> parts = parts_of(opcode);
        if (parts[0] == "bra") {
            made.control = Control::branch;
        } else if (parts[0] == "ret" || parts[0] == "exit") {
            made.control = Control::leave;
        } else if (parts[0] == "trap") {
            made.step = trap;
        } else if (opcode == "bar.sync" || opcode == "barrier.sync") {
            if (operands.size() != 1 || operands[0].names[0] != "0") throw Fault("a barrier of some warps");
            made.control = Control::block_barrier;
        } else if (opcode.starts_with("barrier.cluster.wait")) {
            made.control = Control::cluster_barrier;
        } else if (parts[0] == "cvta") {
            return convert_address(made, opcode, operands);
        } else if (parts[0] == "cp") {
            copy(made, parts, operands);
        } else if (parts[0] == "ldmatrix") {
            if (opcode == "ldmatrix.sync.aligned.m8n8.x4.shared.b16")
                made.step = load_matrices;
            else if (opcode == "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16")
                made.step = load_matrices_transposed;
            else
                throw Fault("not simulated");
            made.control = Control::together;
            made.space = Space::shared;
            names_.put_registers(made, operands[0], false);
            names_.put_address(made, operands[1]);
        } else if (parts[0] == "ld" || parts[0] == "st" || parts[0] == "atom") {
            return access(made, parts, operands);
        } else {
            throw Fault("not simulated");
        }
    }

  private:
    // mov of a vector: {low, high} to or from one register of twice the size.
    void pack(Instruction& made, const std::vector<Operand>& operands) {
        const bool packs = operands[1].names.size() == 2;
        const Operand& halves = operands[packs ? 1 : 0];
        const std::string_view whole = operands[packs ? 0 : 1].names[0];
        const PtxNames::Register* reg = names_.find(whole);
        if (!reg || halves.names.size() != 2) throw Fault("not simulated");
        made.slot[0] = reg->slot;
        for (int i = 0; i < 2; ++i)
            made.slot[1 + i] =
                packs ? names_.source(halves.names[i], false) : names_.destination(halves.names[i]);
        if (reg->wide)
            made.step = packs ? join_halves<uint64_t, uint32_t> : part_halves<uint64_t, uint32_t>;
        else
            made.step = packs ? join_halves<uint32_t, uint16_t> : part_halves<uint32_t, uint16_t>;
    }

    // To a space: its window is taken off; from one: added. Addresses of global memory are the same
    // everywhere.
    void convert_address(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands) {
        uint64_t change = 0;
        if (opcode.starts_with("cvta.shared"))
            change = shared_window;
        else if (opcode.starts_with("cvta.local"))
            change = local_window;
        else if (opcode.starts_with("cvta.to.shared"))
            change = 0 - shared_window;
        else if (opcode.starts_with("cvta.to.local"))
            change = 0 - local_window;
        made.slot[0] = names_.destination(operands[0].names[0]);
        made.slot[1] = names_.source(operands[1].names[0], true);
        made.slot[2] = names_.constant(change, true);
        made.step = lane_steps().at("add.u64").step;
    }

    void copy(Instruction& made, const std::vector<std::string_view>& parts,
              const std::vector<Operand>& operands) {
        if (parts[2] == "wait_group" || parts[2] == "wait_all") {
            made.step = wait_copies;
            made.offset =
                parts[2] == "wait_all" ? -1 : static_cast<int64_t>(ptx_number(operands[0].names[0]));
            return;
        }
        if (parts[2] != "ca" && parts[2] != "cg") throw Fault("not simulated");
        made.step = copy_async;
        made.bytes = static_cast<uint8_t>(ptx_number(operands[2].names[0]));
        made.slot[0] = operands.size() > 3 ? names_.source(operands[3].names[0], false)
                                           : names_.constant(made.bytes, false);
        made.slot[1] = names_.source(operands[0].names[0], false);
        made.slot[2] = names_.constant(static_cast<uint64_t>(operands[0].offset), false);
        made.space = Space::global;
        names_.put_address(made, operands[1]);
    }

    void access(Instruction& made, const std::vector<std::string_view>& parts,
                const std::vector<Operand>& operands) {
        const std::string_view type = parts.back();
        made.bytes = static_cast<uint8_t>(type_bytes(type));
        made.sign = type[0] == 's';
        bool parameter = false;
        AtomicOperation operation = AtomicOperation::add;
        for (std::string_view part : parts) {
            if (part == "global")
                made.space = Space::global;
            else if (part == "shared" || part == "shared::cta")
                made.space = Space::shared;
            else if (part == "shared::cluster")
                made.space = Space::cluster;
            else if (part == "local")
                made.space = Space::local;
            else if (part == "param")
                parameter = true;
            else if (part == "min")
                operation = AtomicOperation::minimum;
            else if (part == "max")
                operation = AtomicOperation::maximum;
            else if (parts[0] == "atom" && (part == "cas" || part == "exch" || part == "and" ||
                                            part == "or" || part == "xor" || part == "inc" || part == "dec"))
                throw Fault("not simulated");
        }
        if (parts[0] == "atom") {
            made.step = atomic_step(operation);
            made.slot[0] = names_.destination(operands[0].names[0]);
            names_.put_address(made, operands[1]);
            made.slot[1] = names_.source(operands[2].names[0], made.bytes == 8);
            return;
        }
        const bool loads = parts[0] == "ld";
        const Operand &values = operands[loads ? 0 : 1], &place = operands[loads ? 1 : 0];
        if (parameter) {
            if (const size_t* offset = names_.parameter(place.names[0])) {
                names_.put_registers(made, values, false);
                made.step = load_parameter;
                made.offset = static_cast<int64_t>(*offset) + place.offset;
                return;
            }
            const PtxNames::Register* slot = names_.find(place.names[0]);
            if (slot && place.names[0][0] == '%') { // an address in the kernel's parameters
                made.space = Space::global;
                made.step = load;
                names_.put_registers(made, values, false);
                names_.put_address(made, place);
                return;
            }
            // Of a call: slots.
            if (!slot || place.offset != 0 || values.names.size() != 1) throw Fault("not simulated");
            const std::string name = slot->wide ? "mov.b64" : "mov.b32";
            made.step = lane_steps().at(name).step;
            made.slot[0] = loads ? names_.destination(values.names[0]) : slot->slot;
            made.slot[1] = loads ? slot->slot : names_.source(values.names[0], slot->wide);
            return;
        }
        made.step = loads ? load : store;
        names_.put_registers(made, values, !loads);
        names_.put_address(made, place);
    }

    PtxNames& names_;
};

} // namespace

bool decode_opcode(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands,
                   PtxNames& names) {
    if (ignored(opcode)) return false;
    OpcodeDecoder(names).decode(made, opcode, operands);
    return true;
}

} // namespace fp4::gpu_simulator
