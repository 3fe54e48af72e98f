rockspec_format = "3.0"
package = "fp4"
version = "scm-1"
source = { url = "." }
description = {
    summary = "Language models in 4-bit microscaling floating point",
    detailed = "Loads, runs, streams, quantizes and measures language models through the shared library libfp4. "
        .. "Pure Lua for LuaJIT: it compiles nothing.",
    license = "Apache-2.0",
}
dependencies = { "lua == 5.1" } -- LuaJIT, for its FFI
external_dependencies = { FP4 = { library = "fp4" } }
build = {
    type = "builtin",
    modules = {
        ["fp4"] = "fp4.lua",
        ["fp4.argument"] = "fp4/argument.lua",
        ["fp4.buffer"] = "fp4/buffer.lua",
        ["fp4.cdef"] = "fp4/cdef.lua",
        ["fp4.check"] = "fp4/check.lua",
        ["fp4.codec"] = "fp4/codec.lua",
        ["fp4.context"] = "fp4/context.lua",
        ["fp4.device"] = "fp4/device.lua",
        ["fp4.evaluate"] = "fp4/evaluate.lua",
        ["fp4.generation"] = "fp4/generation.lua",
        ["fp4.job"] = "fp4/job.lua",
        ["fp4.json"] = "fp4/json.lua",
        ["fp4.library"] = "fp4/library.lua",
        ["fp4.log"] = "fp4/log.lua",
        ["fp4.misuse"] = "fp4/misuse.lua",
        ["fp4.model"] = "fp4/model.lua",
        ["fp4.object"] = "fp4/object.lua",
        ["fp4.quantize"] = "fp4/quantize.lua",
        ["fp4.sampling"] = "fp4/sampling.lua",
        ["fp4.source"] = "fp4/source.lua",
        ["fp4.status"] = "fp4/status.lua",
        ["fp4.op_bench"] = "fp4/op_bench.lua",
        ["fp4.tasks"] = "fp4/tasks.lua",
        ["fp4.types"] = "fp4/types.lua",
    },
    copy_directories = { "examples" },
}
test = { type = "busted" }
