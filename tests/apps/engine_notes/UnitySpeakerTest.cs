// The P/Invoke part of the Unity notes, run by Mono on a tiny model.
using System;
using Fp4;

public static class UnitySpeakerTest
{
    private static int failures;
    private static ulong longestStepUs;

    private static void Check(bool condition, string words)
    {
        if (condition) return;
        Console.Error.WriteLine("fails: " + words);
        ++failures;
    }

    private static string Failure(Action action)
    {
        try
        {
            action();
        }
        catch (Fp4Exception failure)
        {
            return failure.Message;
        }
        return "";
    }

    private static string Answer(Speaker speaker, ulong budgetUs, out int steps)
    {
        string text = "";
        for (steps = 0; speaker.IsSpeaking; ++steps)
        {
            text += speaker.Step(budgetUs);
            longestStepUs = Math.Max(longestStepUs, speaker.LastStep.elapsedUs);
        }
        return text;
    }

    public static int Main(string[] arguments)
    {
        Check(Failure(() => new Speaker("/nowhere", "")).Contains("/nowhere"), "a missing model is named");
        using (Speaker speaker = new Speaker(arguments[0], ""))
        {
            Check(speaker.Step(1000) == "" && !speaker.IsSpeaking, "nothing to say before a question");
            int steps;
            speaker.Ask("Hellö");
            Check(Answer(speaker, 0, out steps) != "", "text comes");
            Check(steps > 10, "in small steps");
            Check(longestStepUs > 0 && longestStepUs < 60000000, "the steps are reported");
            speaker.Ask("This is cut");
            speaker.Step(0);
            speaker.Ask("by this");
            Check(Answer(speaker, 4000, out steps) != "", "a new question ends the answer");
            Check(Failure(() => speaker.Ask(new string('x', 5000))).Contains("tokens"), "a question that does not fit");
            for (int i = 0; i < 200; ++i)
            {
                speaker.Ask("Again");
                speaker.Step(0);
            }
        }
        Speaker closed = new Speaker(arguments[0], "A keeper.");
        closed.Dispose();
        closed.Dispose();
        try
        {
            closed.Ask("?");
            Check(false, "a disposed speaker refuses");
        }
        catch (ObjectDisposedException)
        {
        }
        return failures == 0 ? 0 : 1;
    }
}
