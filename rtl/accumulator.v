// The buffer under one ws column. Sums arrive in the order (strip of columns, k fold, streamed row); the first
// k fold is stored, every later one is added. Entry strip * streamed + row holds the result.
module accumulator #(
    parameter ROWS = 4, parameter ACC = 32, parameter WRAP = 0, parameter DEPTH = 256, parameter SIZE = 16
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  valid,
    input  wire signed [ACC-1:0] sum,
    input  wire [SIZE-1:0]       streamed,
    input  wire [SIZE-1:0]       inner,          // k
    output wire                  over
);
    reg signed [ACC-1:0] bank [0:DEPTH-1];
    reg [SIZE-1:0] row, k0, base;

    wire [SIZE-1:0]      place = base + row;
    wire signed [ACC:0]  exact = bank[place] + sum;
    wire signed [ACC-1:0] held;
    wire                 beyond;
    wire                 last_fold = k0 + ROWS >= inner;

    narrow #(.IN(ACC + 1), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
    assign over = valid && k0 != 0 && beyond;

    always @(posedge clk)
        if (rst) begin
            row <= 0;
            k0 <= 0;
            base <= 0;
        end else if (valid) begin
            bank[place] <= k0 == 0 ? sum : held;
            row <= row + 1;
            if (row == streamed - 1) begin
                row <= 0;
                k0 <= last_fold ? 0 : k0 + ROWS;
                if (last_fold) base <= base + streamed;
            end
        end
endmodule
