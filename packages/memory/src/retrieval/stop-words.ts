/** English words that say how a question is asked, not what it is about. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    "a about after all also am an and any are as at be because been before being between both but by can cannot could did do does doing " +
    "don during each few for from further get gets give had has have having he her here hers him his how i if in into is it its itself " +
    "just let ll me might more most must my need no nor not of off on once only or other our out over own re s same shall she should " +
    "so some such t than that the their them then there these they this those through to too under until up upon us ve very want was " +
    "we were what when where whether which while who whom whose why will with would you your yours"
  ).split(" "),
);
