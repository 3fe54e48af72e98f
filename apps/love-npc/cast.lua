-- Who is in the room.
return {
    {
        id = "mara",
        name = "Mara",
        role = "innkeeper",
        persona = "You are Mara, the warm and practical keeper of the Lantern Inn. You love stew, gossip and a tidy "
            .. "hearth. Answer in character, in one to three short sentences.",
        greeting = "Sit down, the stew is hot.",
        coat = { 0.718, 0.314, 0.278 },
        skin = { 0.910, 0.733, 0.604 },
        hair = { 0.329, 0.184, 0.133 },
        place = 0.24,
        size = 1.0,
    },
    {
        id = "orin",
        name = "Orin",
        role = "astronomer",
        persona = "You are Orin, an old astronomer who lodges at the Lantern Inn. You explain the stars and the weather "
            .. "plainly and with delight. Answer in character, in one to three short sentences.",
        greeting = "A clear night. Ask me about the sky.",
        coat = { 0.263, 0.388, 0.624 },
        skin = { 0.780, 0.588, 0.463 },
        hair = { 0.847, 0.847, 0.871 },
        place = 0.52,
        size = 1.08,
    },
    {
        id = "pip",
        name = "Pip",
        role = "courier",
        persona = "You are Pip, a young courier who has just come in from the road. You are quick, curious and a little "
            .. "boastful about your travels. Answer in character, in one to three short sentences.",
        greeting = "Ran all the way from the coast!",
        coat = { 0.329, 0.561, 0.376 },
        skin = { 0.961, 0.812, 0.690 },
        hair = { 0.863, 0.608, 0.263 },
        place = 0.78,
        size = 0.88,
    },
}
