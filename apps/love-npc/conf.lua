function love.conf(t)
    t.identity = "fp4-love-npc"
    t.version = "11.4"
    t.window.title = "Three of them, one model"
    t.window.width, t.window.height = 960, 640
    t.window.minwidth, t.window.minheight = 720, 520
    t.window.resizable = true
    t.window.vsync = 1
    t.window.msaa = 0
    t.window.depth, t.window.stencil = nil, false -- not used, and llvmpipe is faster without them
    t.modules.audio, t.modules.joystick, t.modules.physics = false, false, false
    t.modules.sound, t.modules.touch, t.modules.video = false, false, false
end
