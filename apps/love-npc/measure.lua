-- A script for measuring frame times, without a player: 300 silent frames, then everybody speaks, alone and at once.
--   love apps/love-npc MODEL --no-vsync --seed 1 --script apps/love-npc/measure.lua --report frames.json
return {
    { frame = 300, choose = 1, say = "Good evening. What is for dinner?" },
    { frame = 301, wait = true, choose = 2, say = "Why do the stars twinkle?" },
    { frame = 302, wait = true, choose = 3, say = "Where did you run today?" },
    { frame = 303, wait = true, choose = 1, say = "And for breakfast?" },
    { frame = 304, choose = 2, say = "Is the moon full tonight?" },
    { frame = 305, choose = 3, say = "Is the road safe?" },
    { frame = 401, wait = true, quit = true },
}
