// Square basis sign(sin(f t)), one lane per class and no table: a phase accumulator counts turns modulo 1 in units of
// 2**-PHASE, its top bit is the sign. `step` holds f / 2 pi of each class. Time 0, right after `start`, is zero.
// (A phase of exactly half a turn or none has a sine of zero; with irrational frequencies only t = 0 gets there.)
module basis_generator #(parameter CLASSES = 2, parameter PHASE = 48) (
    input  wire                     clk,
    input  wire                     start,
    input  wire                     advance,     // move to the next t
    input  wire [CLASSES*PHASE-1:0] step,
    output wire [CLASSES-1:0]       negative,    // entry is -1
    output wire                     zero         // entry is 0 (t = 0)
);
    reg [CLASSES*PHASE-1:0] phase;
    reg                     origin;
    assign zero = origin;

    genvar i;
    generate
        for (i = 0; i < CLASSES; i = i + 1) begin : lane
            assign negative[i] = phase[i*PHASE + PHASE - 1];
            always @(posedge clk)
                if (start) phase[i*PHASE +: PHASE] <= {PHASE{1'b0}};
                else if (advance) phase[i*PHASE +: PHASE] <= phase[i*PHASE +: PHASE] + step[i*PHASE +: PHASE];
        end
    endgenerate

    always @(posedge clk)
        if (start) origin <= 1'b1;
        else if (advance) origin <= 1'b0;
endmodule
