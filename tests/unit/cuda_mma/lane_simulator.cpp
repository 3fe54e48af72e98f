#include "tests/unit/cuda_mma/lane_simulator.h"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "libfp4/format/element.h"

Dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace fp4::lanes {
namespace {

constexpr size_t stack_bytes = 256 * 1024;

struct Copy {
    void* to;
    std::array<std::byte, 16> bytes;
    size_t size;
};

// A place where `members` fibers meet. Slots alternate between two sets: nobody can be two meetings ahead.
struct Meeting {
    size_t members = 0;
    size_t arrived = 0;
    size_t generation = 0;
};

struct Fiber {
    ucontext_t context;
    std::vector<std::byte> stack;
    bool finished = false;
    std::deque<std::vector<Copy>> groups;
    std::vector<Copy> open_group;
};

struct Warp {
    Meeting meeting;
    std::array<std::array<std::byte, 32 * slot_bytes>, 2> slots;
};

struct Block {
    ucontext_t scheduler;
    std::vector<Fiber> fibers;
    std::vector<Warp> warps;
    Meeting meeting;
    std::vector<uint8_t> shared;
    uint8_t* shared_start = nullptr;
    size_t progress = 0; // meetings completed and fibers finished, to notice a deadlock
    const std::function<void()>* kernel = nullptr;
};

Block* block = nullptr;

Fiber& current() {
    return block->fibers[threadIdx.x];
}

void yield() {
    Fiber& fiber = current();
    swapcontext(&fiber.context, &block->scheduler);
}

void meet(Meeting& meeting) {
    const size_t generation = meeting.generation;
    if (++meeting.arrived == meeting.members) {
        meeting.arrived = 0;
        ++meeting.generation;
        ++block->progress;
        return;
    }
    while (meeting.generation == generation) yield();
}

void fiber_main() {
    (*block->kernel)();
    current().finished = true;
    ++block->progress;
    yield();
}

void run_block(unsigned threads, size_t shared_bytes) {
    block->shared.assign(shared_bytes + 1024, 0xD7);
    const auto start = reinterpret_cast<uintptr_t>(block->shared.data());
    block->shared_start = block->shared.data() + (1024 - start % 1024) % 1024;
    block->meeting = {threads, 0, 0};
    for (Warp& warp : block->warps) warp.meeting = {32, 0, 0};
    for (Fiber& fiber : block->fibers) {
        fiber.finished = false;
        fiber.groups.clear();
        fiber.open_group.clear();
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, fiber_main, 0);
    }
    for (size_t running = threads; running > 0;) {
        const size_t before = block->progress;
        running = 0;
        for (unsigned i = 0; i < threads; ++i) {
            if (block->fibers[i].finished) continue;
            threadIdx = {i, 0, 0};
            swapcontext(&block->scheduler, &block->fibers[i].context);
            running += !block->fibers[i].finished;
        }
        if (block->progress == before && running > 0) {
            std::fprintf(stderr, "lane simulator: the block waits for ever (a barrier in divergent code)\n");
            std::abort();
        }
    }
}

} // namespace

void launch(Dim3 grid, unsigned threads, size_t shared_bytes, const std::function<void()>& kernel) {
    auto owned = std::make_unique<Block>();
    block = owned.get();
    block->kernel = &kernel;
    block->fibers.resize(threads);
    for (Fiber& fiber : block->fibers) fiber.stack.resize(stack_bytes);
    block->warps.resize(threads / 32);
    gridDim = grid;
    blockDim = {threads, 1, 1};
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) {
                blockIdx = {x, y, z};
                run_block(threads, shared_bytes);
            }
    block = nullptr;
}

const std::byte* exchange(const void* bytes, size_t size) {
    Warp& warp = block->warps[threadIdx.x / 32];
    auto& slots = warp.slots[warp.meeting.generation % 2];
    std::memcpy(slots.data() + threadIdx.x % 32 * slot_bytes, bytes, size);
    meet(warp.meeting);
    return slots.data();
}

void meet_block() {
    meet(block->meeting);
}

uint8_t* block_shared_memory() {
    return block->shared_start;
}

void queue_copy(void* to, const void* from, size_t bytes) {
    Copy copy{to, {}, bytes};
    std::memcpy(copy.bytes.data(), from, bytes);
    current().open_group.push_back(copy);
}

void close_copy_group() {
    current().groups.push_back(std::move(current().open_group));
    current().open_group.clear();
}

void finish_copies(size_t pending_groups) {
    auto& groups = current().groups;
    while (groups.size() > pending_groups) {
        for (const Copy& copy : groups.front()) std::memcpy(copy.to, copy.bytes.data(), copy.size);
        groups.pop_front();
    }
}

} // namespace fp4::lanes

namespace fp4::cuda {
namespace {

float half(uint32_t word, unsigned index) {
    return decode_f16(static_cast<uint16_t>(word >> 16 * index));
}

} // namespace

void load_matrix_x4(uint32_t (&r)[4], const void* shared_row) {
    const auto rows = lanes::gather(shared_row);
    const unsigned lane = threadIdx.x % 32;
    for (unsigned matrix = 0; matrix < 4; ++matrix)
        std::memcpy(&r[matrix], static_cast<const uint8_t*>(rows[8 * matrix + lane / 4]) + lane % 4 * 4, 4);
}

void load_matrix_x4_transposed(uint32_t (&r)[4], const void* shared_row) {
    const auto rows = lanes::gather(shared_row);
    const unsigned lane = threadIdx.x % 32;
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
        uint16_t pair[2];
        for (unsigned i = 0; i < 2; ++i)
            std::memcpy(&pair[i],
                        static_cast<const uint8_t*>(rows[8 * matrix + lane % 4 * 2 + i]) + lane / 4 * 2, 2);
        r[matrix] = pair[0] | static_cast<uint32_t>(pair[1]) << 16;
    }
}

void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    struct Fragments {
        uint32_t a[4], b[2];
    } own;
    std::memcpy(own.a, a, sizeof(own.a));
    std::memcpy(own.b, b, sizeof(own.b));
    const auto all = lanes::gather(own);
    const unsigned g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (unsigned j = 0; j < 4; ++j) {
        double sum = d[j];
        for (unsigned k = 0; k < 16; ++k) {
            const Fragments& row = all[4 * g + k % 8 / 2];
            const Fragments& col = all[4 * (2 * t + j % 2) + k % 8 / 2];
            sum += static_cast<double>(half(row.a[j / 2 + 2 * (k / 8)], k % 2)) * half(col.b[k / 8], k % 2);
        }
        d[j] = static_cast<float>(sum);
    }
}

uint32_t multiply_f16x2(uint32_t a, uint32_t b) {
    return pack_f16x2(half(a, 0) * half(b, 0), half(a, 1) * half(b, 1));
}

uint32_t pack_f16x2(float low, float high) {
    return encode_f16(low) | static_cast<uint32_t>(encode_f16(high)) << 16;
}

uint32_t pack_f16x2_finite(float low, float high) {
    return pack_f16x2(std::fmin(std::fmax(low, -65504.0f), 65504.0f),
                      std::fmin(std::fmax(high, -65504.0f), 65504.0f));
}

} // namespace fp4::cuda
