#include "tests/gpu_simulator/warp.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {
namespace {

constexpr size_t local_bytes = 4096; // of a lane, for all functions under way

uint64_t special(Special value, const BlockView& block, const Frame& frame, unsigned thread, int lane) {
    switch (value) {
        case Special::tid_x:
            return thread % block.size.x;
        case Special::tid_y:
            return thread / block.size.x % block.size.y;
        case Special::tid_z:
            return thread / block.size.x / block.size.y;
        case Special::ntid_x:
            return block.size.x;
        case Special::ntid_y:
            return block.size.y;
        case Special::ntid_z:
            return block.size.z;
        case Special::ctaid_x:
            return block.index.x;
        case Special::ctaid_y:
            return block.index.y;
        case Special::ctaid_z:
            return block.index.z;
        case Special::nctaid_x:
            return block.grid.x;
        case Special::nctaid_y:
            return block.grid.y;
        case Special::nctaid_z:
            return block.grid.z;
        case Special::lane:
            return static_cast<unsigned>(lane);
        case Special::cluster_rank:
            return block.cluster_rank;
        case Special::local_memory:
            return frame.local_base;
        case Special::parameters:
            return reinterpret_cast<uintptr_t>(block.parameters.data());
    }
    return 0;
}

void set(Frame& frame, uint32_t slot, bool wide, int lane, uint64_t bits) {
    const size_t bytes = wide ? 8 : 4; // the low ones come first
    std::memcpy(frame.registers.data() + slot * slot_bytes + static_cast<size_t>(lane) * bytes, &bits, bytes);
}

void fill(Frame& frame, uint32_t slot, bool wide, uint64_t bits) {
    for (int lane = 0; lane < warp_size; ++lane) set(frame, slot, wide, lane, bits);
}

} // namespace

Frame::Frame(const Function& of) : function(&of), registers(of.slots * slot_bytes, 0xA5) {
    for (const Function::Constant& constant : of.constants)
        fill(*this, constant.slot, constant.wide, constant.bits);
}

void Frame::move(uint32_t lanes, uint32_t to) {
    for (; lanes; lanes &= lanes - 1) at[std::countr_zero(lanes)] = to;
}

void Warp::enter(Frame& frame, uint32_t lanes) const {
    frame.at.fill(0);
    frame.live = lanes;
    frame.waiting = 0;
    for (const Function::SpecialSlot& slot : frame.function->specials)
        for (int lane = 0; lane < warp_size; ++lane) {
            const unsigned thread = index_ * warp_size + static_cast<unsigned>(lane);
            set(frame, slot.slot, slot.wide, lane,
                special(slot.value, *block_, frame, thread, lane) + slot.offset);
        }
}

Warp::Warp(const Function& kernel, unsigned index) : index_(index), local_memory_(local_bytes * warp_size) {
    if (kernel.spare.empty()) kernel.spare.push_back(std::make_shared<Frame>(kernel));
    bottom_ = std::move(kernel.spare.back());
    kernel.spare.pop_back();
}

Warp::~Warp() {
    bottom_->function->spare.push_back(std::move(bottom_));
}

void Warp::start(BlockView& block) {
    block_ = &block;
    overlaps = block.overlaps;
    last_range = nullptr;
    const unsigned threads = block.size.x * block.size.y * block.size.z;
    const unsigned here = std::min<unsigned>(warp_size, threads - index_ * warp_size);
    enter(*bottom_, here == warp_size ? ~0u : (1u << here) - 1);
    for (CopyGroups& groups : copies_) groups = {};
    pause_ = Pause::none;
}

Warp::Pause Warp::run() {
    frame_ = bottom_.get();
    run_frame(*bottom_);
    return pause_;
}

void Warp::explain(const Frame& frame, const std::string& what) const {
    const Instruction& instruction = frame.function->code[frame.at[std::countr_zero(frame.live)]];
    throw Fault(what + " (" + frame.function->name + ", line " + std::to_string(instruction.line) + ")");
}

// The lanes furthest behind that do not wait, and the instruction at which others stand.
uint32_t Warp::choose(Frame& frame, uint32_t& limit) const {
    uint32_t first = UINT32_MAX;
    for (uint32_t rest = frame.live & ~frame.waiting; rest; rest &= rest - 1)
        first = std::min(first, frame.at[std::countr_zero(rest)]);
    if (first == UINT32_MAX) explain(frame, "lanes of a warp wait for each other at different instructions");
    uint32_t group = 0;
    limit = UINT32_MAX;
    for (uint32_t rest = frame.live; rest; rest &= rest - 1) {
        const int lane = std::countr_zero(rest);
        if (frame.at[lane] == first)
            group |= 1u << lane;
        else if (frame.at[lane] > first)
            limit = std::min(limit, frame.at[lane]);
    }
    frame.waiting &= ~group;
    return group;
}

void Warp::run_frame(Frame& frame) {
    while (frame.live) {
        uint32_t limit;
        const uint32_t group = choose(frame, limit);
        if (!run_group(frame, group, limit)) return;
    }
    if (&frame == bottom_.get()) pause_ = Pause::done;
}

// Until these lanes part, or reach those that stand at `limit`. False: at a barrier.
bool Warp::run_group(Frame& frame, uint32_t group, uint32_t limit) {
    uint32_t at = frame.at[std::countr_zero(group)];
    while (at < limit) {
        const Instruction& instruction = frame.function->code[at];
        lanes_ = group & guarded(instruction);
        After after = After::next;
        try {
            if (lanes_ != 0) after = advance(frame, instruction, group, at);
        } catch (const Fault& fault) {
            throw Fault(std::string(fault.what()) + "\n  in " + frame.function->name + ", line " +
                        std::to_string(instruction.line) + " of its PTX, block " +
                        std::to_string(block_->index.x) + ',' + std::to_string(block_->index.y) + ',' +
                        std::to_string(block_->index.z) + ", warp " + std::to_string(index_));
        }
        if (after == After::next) ++at;
        if (after == After::jumped) {
            at = instruction.target;
            if (group != frame.live) break; // perhaps behind the others now
        }
        if (after == After::parted) return true;
        if (after == After::paused) return false;
    }
    frame.move(group, at);
    return true;
}

uint32_t Warp::guarded(const Instruction& instruction) const {
    if (instruction.guard == no_slot) return ~0u;
    uint32_t met = 0;
    for (int lane = 0; lane < warp_size; ++lane) met |= uint32_t(get<bool>(instruction.guard, lane)) << lane;
    return instruction.guard_inverted ? ~met : met;
}

// One instruction of a group, for the lanes at hand; where lanes part, the group's places are stored.
Warp::After Warp::advance(Frame& frame, const Instruction& instruction, uint32_t group, uint32_t at) {
    const uint32_t lanes = lanes_;
    switch (instruction.control) {
        case Control::next:
            instruction.step(*this, instruction);
            return After::next;
        case Control::together: {
            const uint32_t members = instruction.members == no_slot
                                         ? ~0u
                                         : get<uint32_t>(instruction.members, std::countr_zero(lanes));
            if (frame.live & members & ~lanes) return wait_for_others(frame, group, at);
            instruction.step(*this, instruction);
            return After::next;
        }
        case Control::branch:
            if (lanes == group) return After::jumped;
            frame.move(lanes, instruction.target);
            frame.move(group & ~lanes, at + 1);
            return After::parted;
        case Control::call:
            call(instruction, lanes);
            return After::next;
        case Control::leave:
            frame.live &= ~lanes;
            frame.move(group & ~lanes, at + 1);
            return After::parted;
        case Control::block_barrier:
        case Control::cluster_barrier:
            if (&frame != bottom_.get()) throw Fault("a barrier in a function that is called");
            if (lanes != frame.live) return wait_for_others(frame, group, at);
            frame.move(lanes, at + 1);
            pause_ =
                instruction.control == Control::block_barrier ? Pause::block_barrier : Pause::cluster_barrier;
            return After::paused;
    }
    return After::next;
}

Warp::After Warp::wait_for_others(Frame& frame, uint32_t group, uint32_t at) const {
    if (lanes_ != group) throw Fault("a collective instruction that a guard takes from some lanes");
    frame.move(group, at);
    frame.waiting |= group;
    return After::parted;
}

void Warp::call(const Instruction& instruction, uint32_t lanes) {
    const Function& callee = *instruction.callee;
    std::unique_ptr<Frame>& kept = callees_[&callee];
    if (!kept) kept = std::make_unique<Frame>(callee);
    Frame& caller = *frame_;
    if (kept.get() == &caller) throw Fault("a function that calls itself");
    kept->local_base = caller.local_base + caller.function->local_bytes;
    if (kept->local_base + callee.local_bytes > local_bytes) throw Fault("local memory of a lane is used up");
    enter(*kept, lanes);
    // Arguments are in slots first, results after them.
    auto move = [&](Frame& from, uint32_t source, Frame& to, uint32_t target, bool wide) {
        const size_t bytes = wide ? 8 : 4;
        for (uint32_t rest = lanes; rest; rest &= rest - 1) {
            const size_t lane = std::countr_zero(rest) * bytes;
            std::memcpy(to.registers.data() + target * slot_bytes + lane,
                        from.registers.data() + source * slot_bytes + lane, bytes);
        }
    };
    size_t next = 0;
    for (const Function::Parameter& parameter : callee.parameters)
        move(caller, instruction.slot[next++], *kept, parameter.slot, parameter.wide);
    frame_ = kept.get();
    run_frame(*kept);
    frame_ = &caller;
    for (const Function::Parameter& result : callee.results)
        move(*kept, result.slot, caller, instruction.slot[next++], result.wide);
}

uint8_t* Warp::local(int lane, uint64_t address, size_t bytes) {
    if (address % bytes || bytes > local_bytes || address > local_bytes - bytes)
        throw Fault("an access to local memory at " + std::to_string(address));
    return local_memory_.data() + lane * local_bytes + address;
}

void Warp::land(const std::vector<Copy>& group) {
    for (const Copy& copy : group) block_->shared->write(copy.to, copy.data.data(), copy.bytes, tracer());
}

} // namespace fp4::gpu_simulator
