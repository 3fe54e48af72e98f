-- How things are put on the screen. Where the processor computes OpenGL (llvmpipe), upright rectangles of one colour
-- cost a tenth of other triangles, of blending and of reading a texture; a graphics processor does not mind. So what
-- is large is made of them, one for each line of pixels where it is round. Mesa recognizes them only in draws of at
-- most 1,024 indices (170 rectangles) from a buffer that is kept, which text therefore has, too.
local Paint = {}
Paint.__index = Paint

local most_at_once, most_texts = 170, 200
local flat, pixel
local texts, text_count = {}, 0

--- A collection of shapes, empty.
function Paint.new()
    flat = flat or love.graphics.newShader("vec4 effect(vec4 colour, Image image, vec2 place, vec2 point) { return colour; }")
    if not pixel then
        local data = love.image.newImageData(1, 1)
        data:setPixel(0, 0, 1, 1, 1, 1)
        pixel = love.graphics.newImage(data)
    end
    return setmetatable({ batch = love.graphics.newSpriteBatch(pixel, 1000) }, Paint)
end

--- Of the shapes that follow.
function Paint:colour(...)
    self.batch:setColor(...)
end

function Paint:rectangle(x, y, width, height)
    self.batch:add(x, y, 0, width, height)
end

--- The upper and the lower end of a rectangle with round corners of so many pixels.
local function add_ends(self, x, y, width, height, radius)
    for row = 0, radius - 1 do
        local cut = radius - math.sqrt(radius ^ 2 - (radius - row - 0.5) ^ 2)
        self:rectangle(x + cut, y + row, width - 2 * cut, 1)
        self:rectangle(x + cut, y + height - 1 - row, width - 2 * cut, 1)
    end
end

--- A rectangle with round corners of so many pixels.
function Paint:rounded(x, y, width, height, radius)
    self:rectangle(x, y + radius, width, height - 2 * radius)
    add_ends(self, x, y, width, height, radius)
end

function Paint:ellipse(x, y, radius_x, radius_y)
    for row = math.ceil(y - radius_y - 0.5), math.floor(y + radius_y - 0.5) do
        local half = radius_x * math.sqrt(math.max(0, 1 - ((row + 0.5 - y) / radius_y) ^ 2))
        self:rectangle(x - half, row, 2 * half, 1)
    end
end

--- Draws the shapes: opaque ones hide what is behind them, whatever their alpha.
function Paint:draw(opaque)
    love.graphics.setColor(1, 1, 1)
    Paint.untextured()
    if opaque then love.graphics.setBlendMode("replace", "premultiplied") end
    for first = 1, self.batch:getCount(), most_at_once do
        self.batch:setDrawRange(first, math.min(most_at_once, self.batch:getCount() - first + 1))
        love.graphics.draw(self.batch)
    end
    love.graphics.setBlendMode("alpha")
    Paint.textured()
end

function Paint:clear()
    self.batch:clear()
end

--- A surface for text, with an outline if it has a colour.
function Paint:panel(x, y, width, height, radius, colour, outline)
    if outline then
        self:colour(outline)
        add_ends(self, x - 1, y - 1, width + 2, height + 2, radius)
        for _, side in ipairs({ x - 1, x + width }) do self:rectangle(side, y - 1 + radius, 1, height + 2 - 2 * radius) end
    end
    self:colour(colour)
    self:rounded(x, y, width, height, radius)
end

--- Until `textured`, shapes are drawn without reading a texture.
function Paint.untextured()
    love.graphics.setShader(flat)
end

function Paint.textured()
    love.graphics.setShader()
end

--- One line of text. It is kept for the next frames.
function Paint.print(font, text, x, y)
    if text == "" then return end
    if text_count == most_texts then texts, text_count = {}, 0 end
    texts[font] = texts[font] or {}
    local kept = texts[font][text]
    if not kept then
        kept = love.graphics.newText(font, text)
        texts[font][text] = kept
        text_count = text_count + 1
    end
    love.graphics.draw(kept, x, y)
end

return Paint
