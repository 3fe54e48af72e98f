#include <cstdio>

#include "commands.h"
#include "human.h"
#include "json_output.h"
#include "report.h"

namespace fp4::program {

namespace {

std::string memory_text(const fp4_device_info& info) {
    return format_text(", %s of %s free", bytes_text(info.memory_free).c_str(),
                       bytes_text(info.memory_total).c_str());
}

} // namespace

int execute(const DevicesOptions& options) {
    std::vector<JsonObject> items;
    std::string table;
    const int32_t count = fp4_device_count();
    for (int32_t i = 0; i < count; ++i) {
        fp4_device_info info{};
        info.size = sizeof info;
        const fp4_status status = fp4_device_info_get(i, &info);
        if (status < 0) return fail(status);
        const bool usable = (info.flags & FP4_DEVICE_USABLE) != 0;
        JsonObject item;
        item.set("id", info.id);
        item.set("name", info.name);
        item.set("details", info.details);
        item.set("usable", usable);
        item.set("memory_total", info.memory_total);
        item.set("memory_free", info.memory_free);
        item.set("memory_used", info.memory_used);
        item.set("memory_limit", info.memory_limit);
        items.push_back(std::move(item));
        table += format_text("%-8s %s%s\n         %s%s\n", info.id, info.name, usable ? "" : " (not usable)",
                             info.details, usable ? memory_text(info).c_str() : "");
    }
    if (options.output.json) {
        JsonObject object;
        object.set("devices", items);
        object.set("build", fp4_build_info());
        return print_json(object);
    }
    return write_out(table) ? exit_ok : fail("cannot write to standard output");
}

} // namespace fp4::program
