// Holds an exact two's-complement value to OUT bits: saturates, or wraps when WRAP is 1.
// `over` tells that the exact value did not fit.
module narrow #(parameter IN = 33, parameter OUT = 32, parameter WRAP = 0) (
    input  wire signed [IN-1:0]  exact,
    output wire signed [OUT-1:0] held,
    output wire                  over
);
    wire sign = exact[IN-1];
    // it fits when every bit from OUT-1 upward equals the sign
    assign over = exact[IN-1:OUT-1] != {(IN-OUT+1){sign}};
    assign held = (over && WRAP == 0) ? {sign, {(OUT-1){~sign}}} : exact[OUT-1:0];
endmodule
