// The simulator itself: what it computes, and that it finds what a GPU would leave to chance.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <string>

#include "libfp4/format/element.h"
#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/grid.h"
#include "tests/gpu_simulator/ptx_module.h"

using namespace fp4;
using namespace fp4::gpu_simulator;

namespace {

// A kernel with a pointer and a number as parameters, and registers of every kind.
std::string kernel_text(const std::string& body) {
    return ".version 9.0\n.target sm_120f\n.address_size 64\n"
           ".shared .align 16 .b8 room[4096];\n"
           ".visible .entry kernel(.param .u64 kernel_param_0, .param .u32 kernel_param_1)\n{\n"
           ".reg .pred %p<8>;\n.reg .b16 %h<8>;\n.reg .b32 %r<32>;\n.reg .b32 %f<32>;\n.reg .b64 %d<8>;\n"
           "ld.param.u64 %d1, [kernel_param_0];\nld.param.u32 %r1, [kernel_param_1];\nmov.u32 %r2, %tid.x;\n"
           "mov.u32 %r3, %ctaid.x;\nmul.wide.u32 %d2, %r2, 4;\nadd.s64 %d3, %d1, %d2;\nshl.b32 %r4, %r2, 2;\n"
           "mov.u32 %r5, room;\nadd.s32 %r6, %r5, %r4;\n" +
           body + "\nret;\n}\n";
}

class Simulated {
  public:
    explicit Simulated(size_t words) : words_(static_cast<uint32_t*>(memory_.allocate(words * 4))) {
        for (size_t i = 0; i < words; ++i) words_[i] = static_cast<uint32_t>(i);
    }
    uint32_t& operator[](size_t i) { return words_[i]; }
    float at(size_t i) const { return std::bit_cast<float>(words_[i]); }

    // What it ended with, or nothing.
    std::string run(const std::string& body, unsigned threads, uint32_t number = 0, unsigned blocks = 1,
                    bool overlaps = false) {
        PtxModule module(kernel_text(body));
        const uint64_t data = reinterpret_cast<uintptr_t>(words_);
        std::array<uint8_t, 12> parameters;
        std::memcpy(parameters.data(), &data, 8);
        std::memcpy(parameters.data() + 8, &number, 4);
        ++memory_.kernel;
        if (!overlaps) memory_.unfinished = memory_.kernel;
        try {
            Launch launch;
            launch.kernel = &module.function("kernel");
            launch.grid.x = blocks;
            launch.block.x = threads;
            launch.overlaps = overlaps;
            launch.parameters = parameters;
            run_grid(launch, memory_);
            return {};
        } catch (const Fault& fault) {
            return fault.what();
        }
    }

  private:
    GlobalMemory memory_{size_t(1) << 20};
    uint32_t* words_;
};

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("lanes that part go on together, and leave at different times") {
    // Thread t adds 1 to its word t % 5 times; even threads leave first.
    const char* body =
        "rem.u32 %r10, %r2, 5;\nld.global.u32 %r11, [%d3];\n"
        "and.b32 %r12, %r2, 1;\nsetp.eq.s32 %p1, %r12, 0;\n"
        "LOOP:\nsetp.eq.u32 %p2, %r10, 0;\n@%p2 bra DONE;\nadd.s32 %r11, %r11, 1;\n"
        "add.s32 %r10, %r10, -1;\nbra.uni LOOP;\nDONE:\nst.global.u32 [%d3], %r11;\n"
        "@%p1 ret;\nshfl.sync.bfly.b32 %r13|%p3, %r11, 2, 31, 0xAAAAAAAA;\nst.global.u32 [%d3], %r13;";
    Simulated gpu(64);
    REQUIRE(gpu.run(body, 64) == "");
    auto counted = [](uint32_t t) { return t + t % 5; };
    for (uint32_t t = 0; t < 64; ++t) CHECK(gpu[t] == (t % 2 ? counted(t ^ 2) : counted(t)));
}

TEST_CASE("arithmetic at its edges") {
    Simulated gpu(32);
    REQUIRE(
        gpu.run("mov.u32 %r10, 0x80000000;\nmov.b32 %r11, -1;\n"
                "shr.s32 %r12, %r10, 40;\nst.global.u32 [%d1], %r12;\n"
                "shl.b32 %r12, %r11, 32;\nst.global.u32 [%d1+4], %r12;\n"
                "prmt.b32 %r12, %r10, %r11, 0x74B3;\nst.global.u32 [%d1+8], %r12;\n"
                "bfe.u32 %r12, %r10, 28, 8;\nst.global.u32 [%d1+12], %r12;\n"
                "mul.hi.s32 %r12, %r10, %r10;\nst.global.u32 [%d1+16], %r12;\n"
                "mov.f32 %f1, 0f7FC00000;\nmov.f32 %f2, 0f3F800000;\nmax.f32 %f3, %f1, %f2;\nst.global.f32 "
                "[%d1+20], %f3;\n"
                "setp.neu.f32 %p1, %f1, %f1;\nselp.u32 %r12, 7, 9, %p1;\nst.global.u32 [%d1+24], %r12;\n"
                "mov.f32 %f1, 0f3F800001;\nmov.f32 %f2, 0f33C00000;\nfma.rm.f32 %f3, %f1, %f1, "
                "%f2;\nst.global.f32 [%d1+28], %f3;\n"
                "mov.f32 %f4, 0f477FF000;\ncvt.rn.f16x2.f32 %r12, %f4, %f2;\nst.global.u32 [%d1+32], %r12;\n"
                "cvt.rzi.u32.f32 %r12, 0fBF800000;\nst.global.u32 [%d1+36], %r12;\n"
                "mov.b32 {%h1, %h2}, %r11;\nadd.s16 %h1, %h1, 2;\ncvt.u32.u16 %r12, %h1;\nst.global.u32 "
                "[%d1+40], %r12;",
                1) == "");
    CHECK(gpu[0] == 0xFFFFFFFF);
    CHECK(gpu[1] == 0);
    CHECK(gpu[2] == 0xFFFFFF80); // selectors from the low end: byte 3, sign of byte 3, bytes 4 and 7
    CHECK(gpu[3] == 8);
    CHECK(gpu[4] == 0x40000000);
    CHECK(gpu.at(5) == 1.0f);
    CHECK(gpu[6] == 7);
    CHECK(gpu.at(7) == 1 + 0x1p-22f); // 0.75 of the next step is cut
    CHECK(gpu[8] == 0x7C000002);      // infinity; a tie of subnormals
    CHECK(gpu[9] == 0);
    CHECK(gpu[10] == 1);
}

TEST_CASE("mma: fragments against a plain product") {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    uint16_t a[16][16], b[8][16];
    for (auto& row : a)
        for (uint16_t& value : row) value = encode_f16(normal(random));
    for (auto& column : b)
        for (uint16_t& value : column) value = encode_f16(normal(random));
    // Through shared memory and ldmatrix, as kernels do: matrices of 8 rows one after another.
    Simulated gpu(512);
    auto put = [&](size_t word, const uint16_t* pair) { gpu[word] = pair[0] | uint32_t(pair[1]) << 16; };
    for (int m = 0; m < 4; ++m)
        for (int row = 0; row < 8; ++row)
            for (int i = 0; i < 4; ++i)
                put(m * 32 + row * 4 + i, &a[row + 8 * (m & 1)][2 * i + 8 * (m >> 1)]);
    for (int m = 0; m < 2; ++m)
        for (int row = 0; row < 8; ++row)
            for (int i = 0; i < 4; ++i) put(128 + m * 32 + row * 4 + i, &b[row][2 * i + 8 * m]);
    REQUIRE(
        gpu.run("shl.b32 %r10, %r2, 4;\nadd.s32 %r11, %r5, %r10;\ncvt.u64.u32 %d4, %r10;\nadd.s64 %d5, %d1, "
                "%d4;\n"
                "ld.global.v4.u32 {%r12, %r13, %r14, %r15}, [%d5];\nst.shared.v4.u32 [%r11], {%r12, %r13, "
                "%r14, %r15};\n"
                "ld.global.v4.u32 {%r12, %r13, %r14, %r15}, [%d5+512];\nst.shared.v4.u32 [%r11+512], {%r12, "
                "%r13, %r14, %r15};\n"
                "bar.warp.sync -1;\n"
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r16, %r17, %r18, %r19}, [%r11];\n"
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r20, %r21, %r22, %r23}, [%r11+512];\n"
                "mov.f32 %f1, 0f3F800000;\n"
                "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f2,%f3,%f4,%f5}, {%r16,%r17,%r18,%r19}, "
                "{%r20,%r21}, {%f1,%f1,%f1,%f1};\n"
                "st.global.v4.f32 [%d5+1024], {%f2,%f3,%f4,%f5};",
                32) == "");
    for (int lane = 0; lane < 32; ++lane)
        for (int j = 0; j < 4; ++j) {
            const int row = lane / 4 + 8 * (j >> 1), column = lane % 4 * 2 + (j & 1);
            double sum = 1;
            for (int k = 0; k < 16; ++k) sum += double(decode_f16(a[row][k])) * decode_f16(b[column][k]);
            CHECK(gpu.at(256 + lane * 4 + j) == doctest::Approx(sum).epsilon(1e-6));
        }
}

TEST_CASE("accesses that miss") {
    Simulated gpu(64);
    CHECK(gpu.run("ld.global.u32 %r10, [%d3];", 64) == "");
    CHECK(contains(gpu.run("ld.global.u32 %r10, [%d3];", 65), "outside of every allocation"));
    CHECK(contains(gpu.run("st.global.u32 [%d3+-4], %r10;", 1), "outside of every allocation"));
    CHECK(contains(gpu.run("ld.global.v2.u32 {%r10, %r11}, [%d3];", 2), "not aligned"));
    CHECK(contains(gpu.run("st.shared.u32 [%r6+4096], %r10;", 1), "4096 bytes of shared memory"));
    CHECK(contains(gpu.run("cp.async.ca.shared.global [%r6], [%d3], 4;\nadd.s32 %r6, %r6, 4096;\n"
                           "cp.async.ca.shared.global [%r6], [%d3], 4;",
                           1),
                   "shared memory"));
    CHECK(contains(gpu.run("trap;", 1), "a trap"));
    CHECK(contains(gpu.run("tanh.approx.f32 %f1, %f2;", 1), "not simulated\n  in tanh.approx.f32, line"));
}

TEST_CASE("shared memory that nobody wrote, and races") {
    const std::string store = "st.shared.u32 [%r6], %r2;\n";
    const std::string load_next =
        "xor.b32 %r7, %r4, 128;\nadd.s32 %r7, %r7, %r5;\nld.shared.u32 %r10, [%r7];\n";
    Simulated gpu(64);
    CHECK(contains(gpu.run("ld.shared.u32 %r10, [%r6];", 1), "nobody wrote"));
    CHECK(gpu.run(store + "bar.sync 0;\n" + load_next + "st.global.u32 [%d3], %r10;", 64) == "");
    CHECK(gpu[3] == 35);
    const std::string race = gpu.run(store + load_next, 64); // whichever warp comes first
    CHECK((contains(race, "no barrier between") || contains(race, "nobody wrote")));
    // The next round overwrites what the other warp may still read.
    CHECK(contains(gpu.run(store + "bar.sync 0;\n" + load_next + store, 64), "no barrier between"));
    CHECK(gpu.run(store + "bar.sync 0;\n" + load_next + "bar.sync 0;\n" + store, 64) == "");
    // Atomic operations may meet, but with nothing else.
    const std::string zero =
        "setp.lt.u32 %p1, %r2, 32;\nmov.u32 %r11, 0;\n@%p1 st.shared.u32 [%r6], %r11;\nbar.sync 0;\n";
    const std::string count = "atom.shared.add.u32 %r10, [%r5], 2;\n";
    CHECK(gpu.run(zero + count + "bar.sync 0;\nld.shared.u32 %r10, [%r5];\nst.global.u32 [%d3], %r10;", 64) ==
          "");
    CHECK(gpu[63] == 128);
    CHECK(contains(gpu.run(zero + count + "ld.shared.u32 %r10, [%r5];", 64), "no barrier between"));
    CHECK(contains(gpu.run(zero + "ld.shared.u32 %r10, [%r5];\n" + count, 64), "no barrier between"));
    // Bytes that came before the block are no longer there.
    CHECK(contains(
        gpu.run("setp.eq.s32 %p1, %r3, 0;\n@%p1 st.shared.u32 [%r6], %r2;\nld.shared.u32 %r10, [%r6];", 1, 0,
                2),
        "block 1,0,0"));
}

TEST_CASE("asynchronous copies arrive when they are waited for") {
    const std::string copy = "cp.async.ca.shared.global [%r6], [%d3], 4;\ncp.async.commit_group;\n";
    const std::string load = "ld.shared.u32 %r10, [%r6];\nst.global.u32 [%d3+256], %r10;";
    Simulated gpu(128);
    CHECK(contains(gpu.run(copy + load, 32), "nobody wrote"));
    CHECK(contains(gpu.run(copy + "cp.async.wait_group 1;\n" + load, 32), "nobody wrote"));
    CHECK(gpu.run(copy + "cp.async.wait_group 0;\n" + load, 32) == "");
    CHECK(gpu[64 + 5] == 5);
    // What is not read is zero, and may lie anywhere.
    CHECK(
        gpu.run(
            "mov.u32 %r11, 0;\nadd.s64 %d4, %d3, 100000;\ncp.async.cg.shared.global [%r5], [%d4], 16, %r11;\n"
            "cp.async.wait_all;\nld.shared.u32 %r10, [%r5+12];\nst.global.u32 [%d3+256], %r10;",
            1) == "");
    CHECK(gpu[64] == 0);
}

TEST_CASE("lanes and warps that do not meet") {
    Simulated gpu(64);
    const std::string half = "setp.lt.u32 %p1, %r2, 16;\n";
    CHECK(contains(
        gpu.run(half + "@%p1 bra OVER;\nbar.warp.sync -1;\nOVER:\nbar.warp.sync 0xFFFF;\nbar.warp.sync -1;",
                32),
        "wait for each other"));
    CHECK(gpu.run(half + "@%p1 bra OVER;\nbar.warp.sync 0xFFFF0000;\nOVER:\nbar.warp.sync -1;", 32) == "");
    CHECK(contains(gpu.run(half + "@%p1 shfl.sync.idx.b32 %r10, %r2, 20, 31, 0xFFFF;", 32), "not there"));
    CHECK(contains(gpu.run(half + "@%p1 bra OVER;\nbar.sync 0;\nOVER:\nadd.s32 %r10, %r2, 1;", 32), "line"));
    CHECK(gpu.run("setp.lt.u32 %p1, %r2, 32;\n@%p1 ret;\nbar.sync 0;", 64) == ""); // a warp that has left
}

TEST_CASE("kernels that begin before the one before them is done") {
    const std::string write = "griddepcontrol.wait;\nst.global.u32 [%d3], %r1;";
    Simulated gpu(32);
    REQUIRE(gpu.run(write, 32, 5) == "");
    CHECK(contains(gpu.run("ld.global.u32 %r10, [%d3];\ngriddepcontrol.wait;", 32, 0, 1, true),
                   "before that one was waited for"));
    CHECK(
        contains(gpu.run("st.global.u32 [%d3], %r10;\ngriddepcontrol.wait;", 32, 0, 1, true), "waited for"));
    CHECK(gpu.run("griddepcontrol.wait;\nld.global.u32 %r10, [%d3];", 32, 0, 1, true) == "");
    CHECK(gpu.run("ld.global.u32 %r10, [%d3];", 32) == ""); // begins when all are done
    // Two kernels back is as bad: the one between may have begun early too.
    REQUIRE(gpu.run(write, 32, 5) == "");
    REQUIRE(gpu.run("griddepcontrol.wait;", 32, 0, 1, true) == "");
    CHECK(contains(gpu.run("ld.global.u32 %r10, [%d3];", 32, 0, 1, true), "waited for"));
}
