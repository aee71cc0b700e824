// One output-stationary element.
//
// Operands travel right and down; where both are valid their product is added to `sum`, which `first`
// starts from zero. The take tag moves the finished sum to `drain`, in the cycle in which the next fold may
// already start in `sum`. Drain registers shift down every cycle but those in which `hold` stands.
module pe_os #(parameter BITS = 8, parameter ACC = 32, parameter WRAP = 0) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire signed [BITS-1:0] a_in,
    input  wire                   a_valid_in,
    input  wire                   first_in,
    input  wire                   take_in,
    input  wire                   hold_in,
    input  wire signed [BITS-1:0] b_in,
    input  wire                   b_valid_in,
    input  wire signed [ACC-1:0]  drain_in,
    input  wire                   drain_valid_in,
    output reg  signed [BITS-1:0] a,
    output reg  signed [BITS-1:0] b,
    output reg                    valid,          // of both operands
    output reg                    first,
    output reg                    take,
    output reg                    hold,
    output reg  signed [ACC-1:0]  drain,
    output reg                    drain_valid,
    output wire                   over
);
    localparam PRODUCT = 2 * BITS;
    localparam WIDE = (PRODUCT > ACC ? PRODUCT : ACC) + 1;

    reg  signed [ACC-1:0]     sum;
    reg                       sum_valid;
    wire                      active = a_valid_in && b_valid_in;
    wire signed [ACC-1:0]     carried = first_in ? {ACC{1'b0}} : sum;
    wire signed [PRODUCT-1:0] product = a_in * b_in;
    wire signed [WIDE-1:0]    exact = carried + product;
    wire signed [ACC-1:0]     held;
    wire                      beyond;

    narrow #(.IN(WIDE), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
    assign over = active && beyond;

    always @(posedge clk)
        if (rst) begin
            valid <= 1'b0;
            first <= 1'b0;
            take <= 1'b0;
            hold <= 1'b0;
            sum_valid <= 1'b0;
            drain_valid <= 1'b0;
        end else begin
            valid <= active;
            first <= first_in && active;
            take <= take_in;
            hold <= hold_in;
            if (active) begin
                a <= a_in;
                b <= b_in;
                sum <= held;
            end
            if (active || take_in) sum_valid <= active;
            if (take_in) begin
                drain_valid <= sum_valid;
                if (sum_valid) drain <= sum;
            end else if (!hold_in) begin
                drain_valid <= drain_valid_in;
                if (drain_valid_in) drain <= drain_in;
            end
        end
endmodule
