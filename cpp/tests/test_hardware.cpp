#include "../src/hardware.hpp"
#include "support.hpp"

using namespace skyseg;

TEST_CASE("x86 processors without VNNI overflow in int8") {
    CHECK(overflows_int8({"avx2", "fma"}));
    CHECK_FALSE(overflows_int8({"avx2", "avx_vnni"}));
    CHECK_FALSE(overflows_int8({"avx2", "avx512f", "avx512_vnni"}));
    CHECK_FALSE(overflows_int8({"avx2", "amx_int8"}));
    CHECK_FALSE(overflows_int8({"asimd", "asimddp"}));
    CHECK_FALSE(overflows_int8({}));
}

TEST_CASE("bf16 is one of the processor's flags") {
    const auto flags = processor_flags();
    CHECK(has_bf16() == (flags.count("amx_bf16") + flags.count("avx512_bf16") + flags.count("bf16") > 0));
}
