// DEPTH registers in a row: the skew of one array edge. DEPTH 0 is a wire.
module delay_line #(parameter WIDTH = 8, parameter DEPTH = 0) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] d,
    output wire [WIDTH-1:0] q
);
    generate
        if (DEPTH == 0) begin : straight
            assign q = d;
        end else begin : delayed
            reg [WIDTH-1:0] stage [0:DEPTH-1];
            integer i;
            always @(posedge clk)
                for (i = 0; i < DEPTH; i = i + 1)
                    stage[i] <= rst ? {WIDTH{1'b0}} : (i == 0 ? d : stage[i-1]);
            assign q = stage[DEPTH-1];
        end
    endgenerate
endmodule
