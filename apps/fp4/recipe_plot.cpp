#include "recipe_plot.h"

#include <algorithm>
#include <cmath>

#include "human.h"
#include "label_places.h"
#include "plot_axis.h"

namespace fp4::program {
namespace {

// Okabe and Ito's colours, darkened where white is behind them: told apart with colour-blind eyes too.
const char* const colours[] = {"#0072b2", "#c04a00", "#007a5a", "#a8457f", "#7a6000", "#2f6f9f", "#444444"};
const char* const heading = "font-size=\"12\" fill=\"#333333\"";
const char* const text_colour = "#333333";
const char* const grid_colour = "#e4e4e4";

constexpr double panel_height = 440, panel_gap = 88, top = 84, bottom = 60;
constexpr double left = 70, right = 150;      // beside the panels; the legend is on the right
constexpr double column_gap = 24;             // between the panels of two paths
constexpr double inset_x = 112, inset_y = 22; // between a panel's edge and its points: labels stand there
constexpr double font_size = 11;

// A measure and a path: many recipes have the same bits, so paths stand side by side.
constexpr double panel_width(size_t paths) {
    return paths <= 1 ? 740 : 460;
}

std::string escape(const std::string& text) {
    std::string out;
    for (const char c : printable(text)) {
        switch (c) {
            case '&':
                out += "&amp;";
                break;
            case '<':
                out += "&lt;";
                break;
            case '>':
                out += "&gt;";
                break;
            case '"':
                out += "&quot;";
                break;
            default:
                out += c;
        }
    }
    return out;
}

std::string text_at(double x, double y, const std::string& text, const char* attributes) {
    return format_text("<text x=\"%.1f\" y=\"%.1f\" %s>%s</text>\n", x, y, attributes, escape(text).c_str());
}

std::string line(double x1, double y1, double x2, double y2, const char* attributes) {
    return format_text("<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
                       attributes);
}

std::string marker(size_t shape, double x, double y, const char* colour) {
    const std::string style = format_text("fill=\"%s\" stroke=\"white\" stroke-width=\"0.8\"", colour);
    const auto polygon = [&](std::initializer_list<std::pair<double, double>> corners) {
        std::string points;
        for (const auto& [dx, dy] : corners) points += format_text("%.1f,%.1f ", x + dx, y + dy);
        return "<polygon points=\"" + points + "\" " + style + "/>\n";
    };
    switch (shape % 4) {
        case 0:
            return format_text("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\" %s/>\n", x, y, style.c_str());
        case 1:
            return polygon({{-4, -4}, {4, -4}, {4, 4}, {-4, 4}});
        case 2:
            return polygon({{0, -5.2}, {5, 4}, {-5, 4}});
        default:
            return polygon({{0, -5.8}, {5.8, 0}, {0, 5.8}, {-5.8, 0}});
    }
}

/// Each once, in the order they come.
std::vector<std::string> distinct(const std::vector<RecipeRow>& rows, std::string RecipeRow::*member) {
    std::vector<std::string> names;
    for (const RecipeRow& row : rows) {
        if (std::ranges::find(names, row.*member) == names.end()) names.push_back(row.*member);
    }
    return names;
}

size_t index_of(const std::vector<std::string>& names, const std::string& name) {
    return static_cast<size_t>(std::ranges::find(names, name) - names.begin());
}

class Plot {
  public:
    Plot(const std::vector<RecipeRow>& rows, const std::string& title)
        : rows_(rows),
          formats_(distinct(rows, &RecipeRow::format)),
          paths_(distinct(rows, &RecipeRow::path)),
          panel_width_(panel_width(paths_.size())) {
        const auto columns = static_cast<double>(std::max<size_t>(paths_.size(), 1));
        panels_end_ = left + columns * panel_width_ + (columns - 1) * column_gap;
        const double width = panels_end_ + right, height = top + 2 * panel_height + panel_gap + bottom;
        svg_ = format_text(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"%.0f\">\n",
            width, height, width, height, font_size);
        svg_ += format_text("<rect width=\"%.0f\" height=\"%.0f\" fill=\"white\"/>\n", width, height);
        svg_ += text_at(left, 30, title, "font-size=\"15\" fill=\"#111111\"");
        draw_measure(top, "KL divergence from the base, mean, nats", &RecipeRow::kl_mean, 0);
        const double base = rows.empty() ? 0 : rows.front().base_perplexity;
        draw_measure(top + panel_height + panel_gap, "perplexity", &RecipeRow::perplexity, base);
        draw_legend();
        svg_ += "</svg>\n";
    }
    std::string take() { return std::move(svg_); }

  private:
    const char* colour_of(const RecipeRow& row) const {
        return colours[index_of(formats_, row.format) % std::size(colours)];
    }

    // A panel for each path, all with the same axes.
    void draw_measure(double y, const std::string& name, double RecipeRow::*member, double base) {
        std::vector<double> values, bits;
        for (const RecipeRow& row : rows_) {
            if (!is_shown(row, member)) continue;
            values.push_back(row.*member);
            bits.push_back(row.bits_per_weight);
        }
        if (base > 0) values.push_back(base);
        const Axis up(values, true, y + panel_height - inset_y, y + inset_y);
        svg_ += text_at(left, y - 24, name + " (logarithmic)", heading);
        svg_ +=
            text_at((left + panels_end_) / 2, y + panel_height + 36, "bits per weight of the layers' linears",
                    (std::string(heading) + " text-anchor=\"middle\"").c_str());
        double x = left;
        for (const std::string& path : paths_) {
            const Box panel{x, y, x + panel_width_, y + panel_height};
            const Axis across(bits, false, panel.left + inset_x, panel.right - inset_x);
            draw_frame(panel, across, up, path);
            if (base > 0) draw_base(panel, up.pixel(base));
            draw_points(panel, across, up, path, member);
            x += panel_width_ + column_gap;
        }
    }

    // What a logarithmic axis can show.
    static bool is_shown(const RecipeRow& row, double RecipeRow::*member) {
        return std::isfinite(row.*member) && row.*member > 0;
    }

    void draw_points(const Box& panel, const Axis& across, const Axis& up, const std::string& path,
                     double RecipeRow::*member) {
        std::vector<const RecipeRow*> shown;
        std::vector<LabelWish> wishes;
        for (const RecipeRow& row : rows_) {
            if (row.path != path || !is_shown(row, member)) continue;
            const double text_width = 0.6 * font_size * static_cast<double>(row.recipe.size()) + 2;
            shown.push_back(&row);
            wishes.push_back(
                {across.pixel(row.bits_per_weight), up.pixel(row.*member), text_width, font_size + 1});
        }
        const std::vector<Box> places = place_labels(wishes, panel);
        for (size_t i = 0; i < shown.size(); ++i) draw_leader(wishes[i], places[i], colour_of(*shown[i]));
        for (size_t i = 0; i < shown.size(); ++i) draw_point(*shown[i], wishes[i], places[i]);
    }

    void draw_base(const Box& panel, double y) {
        svg_ += line(panel.left, y, panel.right, y, "stroke=\"#777777\" stroke-dasharray=\"5 4\"");
        svg_ += text_at(panel.right - 4, y - 4, "base", "text-anchor=\"end\" fill=\"#777777\"");
    }

    void draw_frame(const Box& panel, const Axis& across, const Axis& up, const std::string& path) {
        const std::string grid = format_text("stroke=\"%s\"", grid_colour);
        const std::string fill = format_text("fill=\"%s\" ", text_colour);
        for (const Tick& tick : up.ticks(panel.bottom, panel.top)) {
            const double at = up.pixel(tick.value);
            svg_ += line(panel.left, at, panel.right, at, grid.c_str());
            if (panel.left > left) continue; // the panels beside it have the same
            svg_ += text_at(left - 7, at + 4, tick.label, (fill + "text-anchor=\"end\"").c_str());
        }
        for (const Tick& tick : across.ticks(panel.left, panel.right)) {
            const double at = across.pixel(tick.value);
            svg_ += line(at, panel.top, at, panel.bottom, grid.c_str());
            svg_ += text_at(at, panel.bottom + 16, tick.label, (fill + "text-anchor=\"middle\"").c_str());
        }
        svg_ += format_text(
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"none\" "
            "stroke=\"#888888\"/>\n",
            panel.left, panel.top, panel.right - panel.left, panel.bottom - panel.top);
        svg_ += text_at((panel.left + panel.right) / 2, panel.top - 7, path,
                        (std::string(heading) + " text-anchor=\"middle\"").c_str());
    }

    void draw_leader(const LabelWish& wish, const Box& place, const char* colour) {
        const bool is_right = place.left > wish.x;
        const double label_x = is_right ? place.left - 2 : place.right + 2;
        const double label_y = (place.top + place.bottom) / 2;
        constexpr double near = 5; // a label beside its marker needs none
        if (std::abs(label_y - wish.y) < near && std::abs(label_x - wish.x) < 10) return;
        svg_ += line(wish.x, wish.y, label_x, label_y,
                     format_text("stroke=\"%s\" stroke-width=\"0.7\" opacity=\"0.5\"", colour).c_str());
    }

    void draw_point(const RecipeRow& row, const LabelWish& wish, const Box& place) {
        const char* const colour = colour_of(row);
        svg_ += marker(index_of(paths_, row.path), wish.x, wish.y, colour);
        const bool is_right = place.left > wish.x;
        svg_ += text_at(
            is_right ? place.left : place.right, place.bottom - 2.5, row.recipe,
            format_text("fill=\"%s\" text-anchor=\"%s\"", colour, is_right ? "start" : "end").c_str());
    }

    void draw_legend() {
        const double x = panels_end_ + 18;
        double y = top + 10;
        for (const std::string& format : formats_) {
            for (const std::string& path : paths_) {
                const auto of_series = [&](const RecipeRow& row) {
                    return row.format == format && row.path == path;
                };
                const auto row = std::ranges::find_if(rows_, of_series);
                if (row == rows_.end()) continue;
                svg_ += marker(index_of(paths_, path), x, y, colour_of(*row));
                svg_ += text_at(x + 12, y + 4, format + ", " + path,
                                format_text("fill=\"%s\"", text_colour).c_str());
                y += 18;
            }
        }
    }

    const std::vector<RecipeRow>& rows_;
    std::vector<std::string> formats_, paths_;
    double panel_width_, panels_end_ = 0;
    std::string svg_;
};

} // namespace

std::string rows_to_svg(const std::vector<RecipeRow>& rows, const std::string& title) {
    return Plot(rows, title).take();
}

} // namespace fp4::program
