// One weight-stationary element.
//
// The operand travels right, the running sum travels down; the element adds operand * weight to the sum
// when both are valid and hands the sum on unchanged when only the sum is. Weights shift down through
// `load`; with HIDDEN the swap tag, which rides on the first operand of a fold, copies `load` to `work`
// in the cycle of its use, so that `load` can take the next fold's weight at that same clock edge.
module pe_ws #(
    parameter BITS = 8, parameter ACC = 32, parameter WRAP = 0, parameter HIDDEN = 1
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire signed [BITS-1:0] a_in,
    input  wire                   a_valid_in,
    input  wire                   swap_in,
    input  wire                   enable_in,      // shift the loading register
    input  wire signed [BITS-1:0] load_in,
    input  wire                   load_valid_in,
    input  wire signed [ACC-1:0]  sum_in,
    input  wire                   sum_valid_in,
    output reg  signed [BITS-1:0] a,
    output reg                    a_valid,
    output reg                    swap,
    output reg                    enable,
    output reg  signed [BITS-1:0] load,
    output reg                    load_valid,
    output reg  signed [ACC-1:0]  sum,
    output reg                    sum_valid,
    output wire                   over
);
    localparam PRODUCT = 2 * BITS;
    localparam WIDE = (PRODUCT > ACC ? PRODUCT : ACC) + 1;

    reg  signed [BITS-1:0] work;
    wire                   active = a_valid_in && sum_valid_in;
    wire signed [BITS-1:0] weight = (HIDDEN == 0 || swap_in) ? load : work;
    wire signed [PRODUCT-1:0] product = a_in * weight;
    wire signed [WIDE-1:0]    exact = sum_in + product;
    wire signed [ACC-1:0]     held;
    wire                      beyond;

    narrow #(.IN(WIDE), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
    assign over = active && beyond;

    always @(posedge clk)
        if (rst) begin
            a_valid <= 1'b0;
            swap <= 1'b0;
            enable <= 1'b0;
            load_valid <= 1'b0;
            sum_valid <= 1'b0;
        end else begin
            a_valid <= active;
            swap <= swap_in && active;
            enable <= enable_in;
            sum_valid <= sum_valid_in;
            if (active) a <= a_in;
            if (active && swap_in) work <= load;
            if (sum_valid_in) sum <= active ? held : sum_in;
            if (enable_in) begin
                load_valid <= load_valid_in;
                if (load_valid_in) load <= load_in;
            end
        end
endmodule
