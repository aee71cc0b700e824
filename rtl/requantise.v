// Narrows an accumulator: value / 2**shift, rounded once, held to OUT bits once. Combinational.
// mode: 0 nearest, ties to even; 1 nearest, ties upward; 2 floor; 3 stochastic (`random` are 32 fresh bits).
// A negative shift is an exact left shift (at most LEFT); a shift above 62 counts as 62.
module requantise #(parameter IN = 32, parameter OUT = 8, parameter WRAP = 0, parameter LEFT = 16) (
    input  wire signed [IN-1:0]  acc,
    input  wire signed [7:0]     shift,
    input  wire [1:0]            mode,
    input  wire [31:0]           random,
    output wire signed [OUT-1:0] code,
    output wire                  over
);
    localparam WIDE = (IN > 64 ? IN : 64) + LEFT + 1;
    localparam [WIDE-1:0] ONE = 1;

    wire                   left   = shift < 0;
    wire [7:0]             grow   = left ? -shift : 8'd0;
    wire [7:0]             cut    = left ? 8'd0 : (shift > 62 ? 8'd62 : shift);
    wire signed [WIDE-1:0] exact  = acc;
    wire signed [WIDE-1:0] floor  = exact >>> cut;
    wire [WIDE-1:0]        mask   = (ONE << cut) - ONE;
    wire [WIDE-1:0]        rest   = exact & mask;           // 0 <= rest < 2**cut
    wire [WIDE-1:0]        half   = cut == 0 ? {WIDE{1'b0}} : ONE << (cut - 8'd1);
    wire [WIDE-1:0]        chance = random;
    wire [WIDE-1:0]        draw   = cut > 32 ? chance << (cut - 8'd32) : chance & mask;

    reg up;
    always @*
        case (mode)
            2'd0: up = rest > half || (rest == half && floor[0]);
            2'd1: up = rest >= half;
            2'd2: up = 1'b0;
            default: up = rest > draw;
        endcase

    wire signed [WIDE-1:0] rounded = cut == 0 ? exact <<< grow : floor + $signed({1'b0, up});
    narrow #(.IN(WIDE), .OUT(OUT), .WRAP(WRAP)) fit (.exact(rounded), .held(code), .over(over));
endmodule
