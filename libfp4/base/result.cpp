#include "libfp4/base/result.h"

#include <cstdio>

namespace fp4 {

const char* status_name(Status status) {
    switch (status) {
        case Status::ok:
            return "ok";
        case Status::more:
            return "more";
        case Status::done:
            return "done";
        case Status::argument:
            return "invalid argument";
        case Status::memory:
            return "out of memory";
        case Status::space:
            return "buffer too small";
        case Status::io:
            return "input/output error";
        case Status::not_found:
            return "not found";
        case Status::unsupported:
            return "unsupported";
        case Status::state:
            return "wrong state";
        case Status::version:
            return "version mismatch";
        case Status::internal:
            return "internal error";
        case Status::busy:
            return "busy";
        case Status::format:
            return "malformed file";
        case Status::corrupt:
            return "corrupt data";
        case Status::limit:
            return "limit exceeded";
        case Status::device:
            return "device error";
        case Status::device_lost:
            return "device lost";
        case Status::cancelled:
            return "cancelled";
        case Status::timeout:
            return "timed out";
    }
    return "unknown status";
}

void detail::append(std::string& out, double part) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", part);
    out += text;
}

} // namespace fp4
