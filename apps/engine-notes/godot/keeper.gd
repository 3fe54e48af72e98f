# On a Label: asks when Enter is pressed, shows the answer as it comes. 4 ms of each frame.
extends Label

const BUDGET_US := 4000
var npc := Fp4Npc.new()
var speaking := false

func _ready() -> void:
	var failure: String = npc.open("/path/to/model.fp4", "You are a lighthouse keeper. Answer in one sentence.")
	if failure != "":
		push_error(failure)

func _process(_delta: float) -> void:
	if Input.is_action_just_pressed("ui_accept"):
		speaking = npc.ask("What do you see from up there?") == ""
	if speaking:
		speaking = npc.step(BUDGET_US)
		text = npc.text()
