/** What the servers serve. */
struct Point {
  1: i32 x,
  2: double y,
  3: optional string label,
  40: bool visible,
  41: map<string, list<i64>> more,
}

exception DivisionByZero {
  1: string why,
}

service Calculator {
  i32 add(1: i32 a, 2: i32 b),
  string echo(1: string text),
  list<Point> mirror(1: list<Point> points, 2: map<i32, i32> by, 3: set<string> names),
  i32 divide(1: i32 a, 2: i32 b) throws (1: DivisionByZero zero),
  void ping(),
  i32 broken(),
  oneway void note(1: string text),
}

/** What a client may think that they serve. */
service Newer extends Calculator {
  i32 missing(1: i32 a),
}
