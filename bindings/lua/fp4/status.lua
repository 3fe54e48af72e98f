-- Statuses of the C ABI become values or errors.
local ffi = require("ffi")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")

local status = {}

-- Failures that a correct program does not meet: bad arguments, a file that is not what it is taken for, a call at the
-- wrong time, a bug in the library.
local raised = { argument = true, format = true, state = true, internal = true }

--- "not_found" for FP4_E_NOT_FOUND.
function status.code(number)
    return (ffi.string(lib.fp4_status_name(number)):gsub("^FP4_E_", ""):lower())
end

--- nil, message, code of a failed call.
function status.failure(number)
    local message = ffi.string(lib.fp4_last_error())
    local code = status.code(number)
    -- A finalizer that ran in between was another call of this thread, and took the message with it.
    if message == "" then message = "the library failed with " .. code end
    return nil, message, code
end

--- The same, but raises what only misuse can cause.
function status.failed(number)
    local none, message, code = status.failure(number)
    if raised[code] then misuse.raise(message) end
    return none, message, code
end

return status
