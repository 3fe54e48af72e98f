-- What a step and a read cost in Lua over the same calls in C's interface: meson test --benchmark lua_step, or
-- luajit step.lua with FP4_LIBRARY and FP4_SOURCE_ROOT set. Steps of a finished generation, so that nothing but the
-- calls is measured.
local ffi = require("ffi")
local fp4 = require("fp4")
local lib = require("fp4.library")

local rounds, calls = 9, 200000
local most_ns = 100 -- that a method may cost over the call; more fails the benchmark

--- Nanoseconds of one call: the median of rounds.
local function measure(call)
    local times = {}
    for round = 1, rounds do
        local start = os.clock()
        for _ = 1, calls do call() end
        times[round] = (os.clock() - start) / calls * 1e9
    end
    table.sort(times)
    return times[math.ceil(rounds / 2)]
end

local model = assert(fp4.open(os.getenv("FP4_SOURCE_ROOT") .. "/tests/golden/models/llama"))
local context = assert(model:context({ threads = 1 }))
local generation = assert(context:generate({ prompt = "x", max_tokens = 1 }))
assert(generation:text())

local handle = generation._handle
local info = ffi.new("fp4_step_info", ffi.sizeof("fp4_step_info"))
local text, bytes = ffi.new("char[4096]"), ffi.new("size_t[1]")

local slow = false
for _, jitted in ipairs({ true, false }) do
    jit[jitted and "on" or "off"]()
    jit.flush()
    local step_c = measure(function() lib.fp4_gen_step(handle, 4000, info) end)
    local step_lua = measure(function() generation:step(4000) end)
    local read_c = measure(function() lib.fp4_gen_read(handle, text, 4096, bytes, 0) end)
    local read_lua = measure(function() generation:read() end)
    for name, pair in pairs({ step = { step_c, step_lua }, read = { read_c, read_lua } }) do
        print(("jit %-3s  %s: call %4.0f ns, method %4.0f ns, difference %4.0f ns"):format(jitted and "on" or "off", name,
            pair[1], pair[2], pair[2] - pair[1]))
        slow = slow or (jitted and name == "step" and pair[2] - pair[1] > most_ns)
    end
end
generation:close()
context:close()
model:close()
if slow then
    io.stderr:write(("a step costs more than %d ns over the call\n"):format(most_ns))
    os.exit(1)
end
