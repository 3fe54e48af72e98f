-- A screen with a message: loading, or something is missing.
local theme = require("theme")

local notice = {}

--- `part`: how much is done (0 to 1) for a bar; nil: none.
function notice.draw(title, text, part)
    local width, height = love.graphics.getDimensions()
    love.graphics.clear(theme.wall_low)
    local wide = math.min(680, width - 60)
    local x = (width - wide) / 2
    local _, lines = theme.body:getWrap(text, wide - 48)
    local tall = 80 + #lines * (theme.body:getHeight() + 3) + (part and 34 or 0)
    local y = (height - tall) / 2
    love.graphics.setColor(theme.panel)
    love.graphics.rectangle("fill", x, y, wide, tall, 12)
    love.graphics.setColor(theme.panel_line)
    love.graphics.rectangle("line", x, y, wide, tall, 12)
    love.graphics.setFont(theme.title)
    love.graphics.setColor(theme.generation)
    love.graphics.print(title, x + 24, y + 20)
    love.graphics.setFont(theme.body)
    love.graphics.setColor(theme.text)
    for i, line in ipairs(lines) do
        love.graphics.print(line, x + 24, y + 58 + (i - 1) * (theme.body:getHeight() + 3))
    end
    if part then
        love.graphics.setColor(0, 0, 0, 0.4)
        love.graphics.rectangle("fill", x + 24, y + tall - 36, wide - 48, 10, 5)
        love.graphics.setColor(theme.generation)
        love.graphics.rectangle("fill", x + 24, y + tall - 36, (wide - 48) * math.max(0.02, part), 10, 5)
    end
end

return notice
