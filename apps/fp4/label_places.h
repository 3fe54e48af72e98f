#pragma once

#include <string>
#include <vector>

namespace fp4::program {

struct Box {
    double left = 0, top = 0, right = 0, bottom = 0;
};

/// A marker that wants a label of this size beside it.
struct LabelWish {
    double x = 0, y = 0;
    double width = 0, height = 0;
};

/// A place for every label within `bounds`: near its marker, clear of markers and of each other as far as
/// there is room.
std::vector<Box> place_labels(const std::vector<LabelWish>& wishes, const Box& bounds);

} // namespace fp4::program
